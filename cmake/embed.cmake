# SPDX-License-Identifier: Apache-2.0
# embed_files(FUNCTION [FILE...]) : generates a source file that holds the content of these files and defines
#   std::span<const EmbeddedFile> laconic::FUNCTION()     (laconic/experiment/embedded.h)
# The files are named without their folders and listed in the given order. Sets FUNCTION_SOURCE to the path of
# the source file. The assembler reads the files itself, so there is no limit on size and no byte needs an
# escape. The source file is assembled again if one of the files changes.
function(embed_files function)
  set(assembly "")
  set(symbols "")
  set(rows "")
  set(index 0)
  foreach(file IN LISTS ARGN)
    get_filename_component(path ${file} ABSOLUTE)
    get_filename_component(name ${file} NAME)
    set(symbol laconic_${function}_${index})
    string(APPEND assembly "    \"${symbol}:\\n\"\n    \"  .incbin \\\"${path}\\\"\\n\"\n    \"${symbol}_end:\\n\"\n")
    string(APPEND symbols "extern const char ${symbol}[], ${symbol}_end[];\n")
    string(APPEND rows "    {\"${name}\", {${symbol}, ${symbol}_end}},\n")
    math(EXPR index "${index} + 1")
  endforeach()
  set(source ${CMAKE_BINARY_DIR}/embedded/${function}.cc)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [=[
// Made by cmake/embed.cmake.
#include <vector>

#include "laconic/experiment/embedded.h"

asm("    .pushsection .rodata, \"a\"\n"
@assembly@    "    .popsection\n");
extern "C" {
@symbols@}

namespace laconic {

std::span<const EmbeddedFile> @function@() {
  static const std::vector<EmbeddedFile> files = {
@rows@  };
  return files;
}

}  // namespace laconic
]=])
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS "${ARGN}")
  set(${function}_SOURCE ${source} PARENT_SCOPE)
endfunction()
