# SPDX-License-Identifier: Apache-2.0
# cmake -D BUILD=... -D WORK=... -D GENERATOR=... -P check.cmake : installs BUILD into a fresh prefix in WORK, and
# builds and runs this folder's project with what lies there.
function(must)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${WORK})
must(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
must(${WORK}/prefix/bin/laconic --version)
must(bash -c "source ${WORK}/prefix/share/bash-completion/completions/laconic && declare -F _laconic")
must(${CMAKE_COMMAND} -G ${GENERATOR} -S ${CMAKE_CURRENT_LIST_DIR} -B ${WORK}/build
  -D CMAKE_PREFIX_PATH=${WORK}/prefix -D CMAKE_BUILD_TYPE=Release -D CMAKE_CXX_COMPILER=${COMPILER})
must(${CMAKE_COMMAND} --build ${WORK}/build)
must(${CMAKE_CTEST_COMMAND} --test-dir ${WORK}/build --output-on-failure)
