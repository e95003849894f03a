// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/figure_script.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/report/label_places.h"

namespace laconic {
namespace {

constexpr std::size_t kLongest = 80;  // characters of a name
constexpr double kNameHeight = 1.25;  // of a name at the end of a curve, in sizes of the font

std::size_t characters(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// The width of a character in sizes of the font: at most 0.6 on average, or 1 in scripts such as Chinese.
double width_of_character(const std::string& text) { return text.size() > 2 * characters(text) ? 1 : 0.6; }

/// The characters of a name that fit into a width, in sizes of the font.
std::size_t fitting(const std::string& text, double width) {
  return std::min({kLongest, characters(text), static_cast<std::size_t>(width / width_of_character(text))});
}

double width_of(const std::string& text, double font) {
  return static_cast<double>(fitting(text, kLongest)) * font * width_of_character(text);
}

std::string dash_type(const CurveStyle& style) {
  const std::vector<double>& lengths = dashes()[style.dash];
  return lengths.empty() ? "1" : fmt::format("({})", fmt::join(lengths, ","));
}

const char* colour_of(const CurveStyle& style) { return colours()[style.colour].on_light; }

/// A legend below the figure, filled column by column.
struct Legend {
  std::size_t rows = 0;
  double longest = kLongest;   // the width of a name, in sizes of the font; wider ones lose their middle
  std::vector<double> widths;  // of the columns
  double row_height = 0;

  [[nodiscard]] double height() const { return static_cast<double>(rows) * row_height; }
  [[nodiscard]] double width() const { return std::accumulate(widths.begin(), widths.end(), 0.0); }
};

/// Lines, markers and texts, with places in units from the lower left corner.
class Painter {
 public:
  Painter(const Figure& figure, const FigureOptions& options)
      : figure_(figure), options_(options), canvas_(options.canvas) {
    lay_out();
  }

  FigureScript paint() {
    add(fmt::format("set border 3 lw {} lc rgb '#444444'\nset grid lc rgb '#d4d4d4' lw {}\nunset key\n",
                    0.5 * canvas_.line, 0.35 * canvas_.line));
    add_margins();
    add_axis('x', figure_.x);
    add_axis('y', figure_.y);
    add_titles();
    if (options_.names_at_ends)
      add_names_at_ends();
    else
      add_legend();
    if (figure_.has_band())
      add_text(band_note(), canvas_.width / 2, 0.9 * font(), "center", "#444444", 0.85 * font());
    add_curves();
    return {std::move(text_), canvas_};
  }

 private:
  // Layout

  [[nodiscard]] double font() const { return canvas_.font; }
  [[nodiscard]] double note_height() const { return figure_.has_band() ? 1.5 * font() : 0; }

  void lay_out() {
    if (!options_.names_at_ends) legend_ = make_legend();
    const double tics =
        std::accumulate(figure_.y.tics.begin(), figure_.y.tics.end(), 0.0,
                        [&](double most, const Tic& tic) { return std::max(most, width_of_tic(tic)); });
    plot_.left = 3.0 * font() + tics;
    plot_.bottom = legend_.height() + note_height() + 4.0 * font();
    plot_.top = canvas_.height - (figure_.title.empty() ? 1.0 : 2.4) * font();
    plot_.right = canvas_.width - 1.6 * font();
    if (options_.names_at_ends) make_room_for_names();
    names_.left = plot_.left;
    names_.bottom = plot_.bottom;
    names_.right = canvas_.width - 0.3 * font();
    names_.top = canvas_.height - (figure_.title.empty() ? 0.3 : 2.1) * font();
  }

  [[nodiscard]] double width_of_tic(const Tic& tic) const {
    const bool is_power = tic.text.starts_with("10^");
    const double shown =
        is_power ? 2 + 0.8 * static_cast<double>(tic.text.size() - 5) : static_cast<double>(tic.text.size());
    return shown * 0.6 * font();
  }

  /// The columns if there are so many rows.
  [[nodiscard]] Legend legend_of(std::size_t rows, double longest) const {
    Legend legend{.rows = rows, .longest = longest, .widths = {}, .row_height = 1.4 * font()};
    for (std::size_t c = 0; c < figure_.curves.size(); ++c) {
      if (c % rows == 0) legend.widths.push_back(0);
      const double width = (std::min(width_of(figure_.curves[c].name, 1), longest) + 5.5) * font();
      legend.widths.back() = std::max(legend.widths.back(), width);
    }
    return legend;
  }

  /// The legend of fewest rows that fits in width, with names as whole as possible. It takes at most a quarter
  /// of the figure, which may become higher for it.
  Legend make_legend() {
    constexpr double kShortest = 5;
    const std::size_t curves = figure_.curves.size();
    for (double longest = kLongest; longest >= kShortest; longest -= 0.5) {
      for (std::size_t rows = 1; rows <= curves; ++rows) {
        Legend legend = legend_of(rows, longest);
        if (options_.is_size_fixed && 4 * legend.height() > canvas_.height) break;
        if (legend.width() > canvas_.width) continue;
        canvas_.height = std::max(canvas_.height, 4 * legend.height());
        return legend;
      }
    }
    throw InputError(
        fmt::format("size: the legend of {} curves needs more than a quarter of the figure; need a larger "
                    "size=, a smaller font=, or names=ends",
                    curves));
  }

  /// Moves the right end of the axes, so that names to the right of the curves' ends are within the figure; and
  /// the upper end, if several curves end near it.
  void make_room_for_names() {
    const auto high = std::count_if(figure_.curves.begin(), figure_.curves.end(), [&](const Curve& curve) {
      const auto points = points_of(curve);
      return !points.empty() && points.back().y > 0.8 * plot_.top + 0.2 * plot_.bottom;
    });
    plot_.top -= std::min<double>(0.45 * kNameHeight * font() * static_cast<double>(high > 2 ? high : 0),
                                  (plot_.top - plot_.bottom) / 3);
    const double least = canvas_.width / 2;
    for (const Curve& curve : figure_.curves) {
      const auto points = points_of(curve);
      if (points.empty()) continue;
      const double place = (points.back().x - plot_.left) / (plot_.right - plot_.left);
      const double room = canvas_.width - plot_.left - width_of(curve.name, font()) - 1.5 * font();
      if (place * (plot_.right - plot_.left) > room) plot_.right = std::max(least, plot_.left + room / place);
    }
  }

  [[nodiscard]] Point place_of(double x, double y) const {
    return {plot_.left + figure_.x.place(x) * (plot_.right - plot_.left),
            plot_.bottom + figure_.y.place(y) * (plot_.top - plot_.bottom)};
  }

  [[nodiscard]] bool is_within(const Point& point) const {
    const double slack = 1e-6 * canvas_.width;
    return Box{plot_.left - slack, plot_.bottom - slack, plot_.right + slack, plot_.top + slack}.holds(point);
  }

  /// The places of the curve's points within the axes.
  [[nodiscard]] std::vector<Point> points_of(const Curve& curve) const {
    std::vector<Point> points;
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      if (!figure_.has_place(curve.x[i], curve.y[i])) continue;
      const Point point = place_of(curve.x[i], curve.y[i]);
      if (is_within(point)) points.push_back(point);
    }
    return points;
  }

  // Parts

  void add(const std::string& text) { text_ += text; }

  [[nodiscard]] std::string at(const Point& point) const {
    return fmt::format("screen {:.6f},{:.6f}", point.x / canvas_.width, point.y / canvas_.height);
  }

  void add_text(const std::string& text, double x, double y, const char* align, const char* colour,
                double size, const char* more = "", std::size_t longest = kLongest) {
    add(fmt::format("set label {} at {} {} noenhanced front tc rgb '{}' font ',{}' {}\n",
                    gnuplot_text(text, longest), at({x, y}), align, colour, size, more));
  }

  void add_sample(double x, double y, const CurveStyle& style) {
    const double length = 3.2 * font();
    add(fmt::format("set arrow from {} to {} nohead front lw {} dt {} lc rgb '{}'\n", at({x, y}),
                    at({x + length, y}), canvas_.line, dash_type(style), colour_of(style)));
    add_marker(x + length / 2, y, style);
  }

  void add_marker(double x, double y, const CurveStyle& style) {
    add(fmt::format("set label '' at {} front point pt {} ps {} lc rgb '{}'\n", at({x, y}),
                    markers()[style.marker].gnuplot, point_size(), colour_of(style)));
  }

  [[nodiscard]] double point_size() const { return 0.075 * font(); }

  void add_margins() {
    add(
        fmt::format("set lmargin at screen {:.6f}\nset rmargin at screen {:.6f}\nset bmargin at screen "
                    "{:.6f}\nset tmargin at screen {:.6f}\n",
                    plot_.left / canvas_.width, plot_.right / canvas_.width, plot_.bottom / canvas_.height,
                    plot_.top / canvas_.height));
  }

  void add_axis(char axis, const Scale& scale) {
    add(fmt::format("set {}range [{}:{}]\n", axis, scale.least, scale.most));
    if (scale.logarithmic) add(fmt::format("set logscale {}\n", axis));
    std::string tics;
    for (const Tic& tic : scale.tics)
      tics += fmt::format("{}\"{}\" {} {}", tics.empty() ? "" : ", ", tic.text, tic.value,
                          tic.text.empty() ? 1 : 0);
    add(fmt::format("set {}tics nomirror out scale 0.6,0.3 {} ({})\n", axis,
                    scale.logarithmic ? "enhanced" : "noenhanced", tics));
  }

  void add_titles() {
    const double below = legend_.height() + note_height() + 1.0 * font();
    add_text(figure_.x_title, (plot_.left + plot_.right) / 2, below, "center", "#000000", font());
    add_text(figure_.y_title, 1.1 * font(), (plot_.bottom + plot_.top) / 2, "center", "#000000", font(),
             "rotate by 90");
    if (!figure_.title.empty())
      add_text(figure_.title, (plot_.left + plot_.right) / 2, canvas_.height - 1.3 * font(), "center",
               "#000000", 1.1 * font());
  }

  [[nodiscard]] std::string band_note() const {
    const std::size_t seeds = figure_.curves[0].runs;
    const bool are_equal = std::all_of(figure_.curves.begin(), figure_.curves.end(),
                                       [&](const Curve& curve) { return curve.runs == seeds; });
    return fmt::format("lines: medians over {}seeds; bands: from the least to the greatest",
                       are_equal ? fmt::format("{} ", seeds) : "");
  }

  void add_legend() {
    double x = (canvas_.width - legend_.width()) / 2 + font();
    for (std::size_t c = 0; c < figure_.curves.size(); ++c) {
      if (c > 0 && c % legend_.rows == 0) x += legend_.widths[c / legend_.rows - 1];
      const double y = note_height() + legend_.height() -
                       (static_cast<double>(c % legend_.rows) + 0.5) * legend_.row_height;
      add_sample(x, y, figure_.styles[c]);
      add_text(figure_.curves[c].name, x + 3.8 * font(), y, "left", "#000000", font(), "",
               fitting(figure_.curves[c].name, legend_.longest));
    }
  }

  void add_names_at_ends() {
    std::vector<std::vector<Point>> curves;
    std::vector<double> widths;
    std::vector<std::size_t> of_curve;
    for (std::size_t c = 0; c < figure_.curves.size(); ++c) {
      std::vector<Point> points = points_of(figure_.curves[c]);
      if (points.empty()) continue;
      curves.push_back(std::move(points));
      widths.push_back(width_of(figure_.curves[c].name, font()));
      of_curve.push_back(c);
    }
    const std::vector<Box> boxes = label_places(curves, widths, kNameHeight * font(), names_);
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      const Point end = curves[i].back();
      const Box& box = boxes[i];
      const CurveStyle& style = figure_.styles[of_curve[i]];
      const double middle = (box.bottom + box.top) / 2;
      const bool is_left = box.right < end.x;
      if (std::abs(middle - end.y) > font())  // far from its end: a thin line leads there
        add(fmt::format("set arrow from {} to {} nohead back lw 0.6 lc rgb '{}'\n", at(end),
                        at({is_left ? box.right : box.left, middle}), colour_of(style)));
      add_marker(end.x, end.y, style);
      add_text(figure_.curves[of_curve[i]].name, is_left ? box.right : box.left, middle,
               is_left ? "right" : "left", colour_of(style), font());
    }
  }

  /// Bands below, then lines, and markers above. Of curves that coincide, the solid one is below the dashed.
  void add_curves() {
    std::vector<std::size_t> order(figure_.curves.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return figure_.styles[a].dash < figure_.styles[b].dash;
    });
    std::vector<std::string> bands;
    std::vector<std::string> lines;
    std::vector<std::string> marks;
    for (const std::size_t c : order) {
      const Curve& curve = figure_.curves[c];
      const CurveStyle& style = figure_.styles[c];
      add(fmt::format("$line{} << EOD\n{}EOD\n$marks{} << EOD\n{}EOD\n", c, line_data(curve), c,
                      marks_data(curve, c)));
      if (!curve.low.empty()) {
        add(fmt::format("$band{} << EOD\n{}EOD\n", c, band_data(curve)));
        bands.push_back(
            fmt::format("$band{} using 1:2:3 with filledcurves fs transparent solid 0.2 noborder "
                        "fc rgb '{}'",
                        c, colour_of(style)));
      }
      lines.push_back(fmt::format("$line{} using 1:2 with lines lw {} dt {} lc rgb '{}'", c, canvas_.line,
                                  dash_type(style), colour_of(style)));
      marks.push_back(fmt::format("$marks{} using 1:2 with points pt {} ps {} lc rgb '{}'", c,
                                  markers()[style.marker].gnuplot, point_size(), colour_of(style)));
    }
    bands.insert(bands.end(), lines.begin(), lines.end());
    bands.insert(bands.end(), marks.begin(), marks.end());
    add(fmt::format("plot {}\n", fmt::join(bands, ", \\\n  ")));
  }

  // Data

  /// The points, without those that are too close to the one before to be seen. A point without a place
  /// interrupts the line.
  [[nodiscard]] std::string line_data(const Curve& curve) const {
    std::string text;
    Point last{-1e9, -1e9};
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      if (!figure_.has_place(curve.x[i], curve.y[i])) {
        text += "\n";
        last = {-1e9, -1e9};
        continue;
      }
      const Point point = place_of(curve.x[i], curve.y[i]);
      if (std::hypot(point.x - last.x, point.y - last.y) < 0.3 && i + 1 < curve.x.size()) continue;
      text += fmt::format("{} {}\n", curve.x[i], curve.y[i]);
      last = point;
    }
    return text;
  }

  [[nodiscard]] std::string band_data(const Curve& curve) const {
    std::string text;
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      if (figure_.has_place(curve.x[i], curve.low[i]) && figure_.has_place(curve.x[i], curve.high[i]))
        text += fmt::format("{} {} {}\n", curve.x[i], curve.low[i], curve.high[i]);
    }
    return text;
  }

  /// Markers at equal distances along the line, about ten of them, and fewer if it is short. The curves of a
  /// figure begin with different distances.
  [[nodiscard]] std::string marks_data(const Curve& curve, std::size_t nth) const {
    std::vector<std::size_t> rows;
    std::vector<double> along;  // the length of the line up to each of these rows
    Point last;
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      if (!figure_.has_place(curve.x[i], curve.y[i])) continue;
      const Point point = place_of(curve.x[i], curve.y[i]);
      if (!is_within(point)) continue;
      along.push_back(rows.empty() ? 0 : along.back() + std::hypot(point.x - last.x, point.y - last.y));
      rows.push_back(i);
      last = point;
    }
    if (rows.empty()) return "";
    const double width = plot_.right - plot_.left;
    const double apart =
        std::clamp(along.back() / 10, std::min(0.08 * width, along.back() / 3), 0.12 * width);
    double next = apart * (0.2 + 0.15 * static_cast<double>(nth % 5));
    std::string text;
    for (std::size_t k = 0; k < rows.size(); ++k) {
      if (along[k] < next && !(k + 1 == rows.size() && text.empty())) continue;
      text += fmt::format("{} {}\n", curve.x[rows[k]], curve.y[rows[k]]);
      while (next <= along[k]) next += std::max(apart, 1e-3);
    }
    return text;
  }

  const Figure& figure_;
  const FigureOptions& options_;
  Canvas canvas_;
  Legend legend_;
  Box plot_;   // between the axes
  Box names_;  // where names at ends may stand
  std::string text_;
};

}  // namespace

FigureScript script_of(const Figure& figure, const FigureOptions& options) {
  return Painter(figure, options).paint();
}

}  // namespace laconic
