//! Plots: marks on two axes, drawn as SVG.
//!
//! Colours are written as they are in light mode; the page's style sheet has a
//! variable for each ([`Colour::css`]) and exchanges them in dark mode.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Axis;

/// A colour of the page, readable with every common form of colour blindness
/// (after M. Okabe, K. Ito, "Color Universal Design", 2008).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    /// Of text and axes.
    Ink,
    /// Of the mesh.
    Grid,
    Blue,
    Vermilion,
    Green,
    Sky,
    Orange,
    Pink,
    Grey,
}

impl Colour {
    pub(super) const ALL: [Self; 9] = [
        Self::Ink,
        Self::Grid,
        Self::Blue,
        Self::Vermilion,
        Self::Green,
        Self::Sky,
        Self::Orange,
        Self::Pink,
        Self::Grey,
    ];

    /// In light and in dark mode.
    fn values(self) -> ((u8, u8, u8), &'static str) {
        match self {
            Self::Ink => ((0x22, 0x22, 0x22), "#dddddd"),
            Self::Grid => ((0xDD, 0xDD, 0xDD), "#3a3f44"),
            Self::Blue => ((0x00, 0x72, 0xB2), "#4aa8e0"),
            Self::Vermilion => ((0xD5, 0x5E, 0x00), "#f07d2b"),
            Self::Green => ((0x00, 0x8F, 0x68), "#1fc495"),
            Self::Sky => ((0x56, 0xB4, 0xE9), "#7cc8f2"),
            Self::Orange => ((0xE6, 0x9F, 0x00), "#f0b429"),
            Self::Pink => ((0xCC, 0x79, 0xA7), "#dd93bb"),
            Self::Grey => ((0x8A, 0x8A, 0x8A), "#9a9a9a"),
        }
    }

    fn rgb(self) -> RGBColor {
        let (red, green, blue) = self.values().0;
        RGBColor(red, green, blue)
    }

    /// In light mode, as the SVG backend writes it.
    pub(super) fn hex(self) -> String {
        let RGBColor(red, green, blue) = self.rgb();
        format!("#{red:02X}{green:02X}{blue:02X}")
    }

    /// Rules that exchange the colour in dark mode.
    pub(super) fn css(self) -> String {
        let (light, dark) = (self.hex(), self.values().1);
        format!("svg [fill=\"{light}\"]{{fill:{dark}}}svg [stroke=\"{light}\"]{{stroke:{dark}}}")
    }
}

/// The form of a point, so that colour is not all that tells series apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
}

impl Shape {
    /// Its corners in pixels from its centre.
    pub(super) fn corners(self) -> Vec<(i32, i32)> {
        let corners: &[(i32, i32)] = match self {
            Self::Circle => &[
                (-5, -2),
                (-2, -5),
                (2, -5),
                (5, -2),
                (5, 2),
                (2, 5),
                (-2, 5),
                (-5, 2),
            ],
            Self::Square => &[(-4, -4), (4, -4), (4, 4), (-4, 4)],
            Self::Triangle => &[(0, -6), (6, 5), (-6, 5)],
            Self::Diamond => &[(0, -6), (6, 0), (0, 6), (-6, 0)],
            Self::Cross => &CROSS,
        };
        corners.to_vec()
    }
}

const CROSS: [(i32, i32); 12] = [
    (-6, -4),
    (-4, -6),
    (0, -2),
    (4, -6),
    (6, -4),
    (2, 0),
    (6, 4),
    (4, 6),
    (0, 2),
    (-4, 6),
    (-6, 4),
    (-2, 0),
];

/// Something drawn; places are values of the axes.
#[derive(Clone, Debug)]
pub(super) enum Mark {
    /// A line through these points, drawn in dashes where a length is given.
    Line {
        through: Vec<(f64, f64)>,
        colour: Colour,
        dash: Option<u32>,
    },
    /// A point.
    Point {
        at: (f64, f64),
        colour: Colour,
        shape: Shape,
    },
    /// A filled rectangle between two corners.
    Bar {
        from: (f64, f64),
        to: (f64, f64),
        colour: Colour,
    },
    /// Text, centred over a place.
    Text { at: (f64, f64), text: String, size: u32 },
}

/// Marks on two axes.
#[derive(Clone, Debug)]
pub(super) struct Plot {
    /// Width and height in pixels.
    pub(super) size: (u32, u32),
    /// Pixels left of the plot, for the labels of the vertical axis.
    pub(super) left: u32,
    /// The horizontal axis.
    pub(super) x: Axis,
    /// The vertical axis.
    pub(super) y: Axis,
    /// In the order of drawing.
    pub(super) marks: Vec<Mark>,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Axis, Axis>>;

impl Plot {
    /// The SVG element.
    ///
    /// # Errors
    /// If plotters fails to draw, which into memory it does not.
    pub(super) fn svg(&self) -> Result<String> {
        let mut svg = String::new();
        let area: Area<'_> = SVGBackend::with_string(&mut svg, self.size).into_drawing_area();
        let mut chart = self.axes(&area)?;
        for mark in &self.marks {
            Self::draw(&mut chart, mark)?;
        }
        area.present()?;
        drop(chart);
        drop(area);
        Ok(svg)
    }

    fn axes<'a>(&self, area: &Area<'a>) -> Result<Chart<'a>> {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(14)
            .x_label_area_size(46)
            .y_label_area_size(self.left)
            .build_cartesian_2d(self.x.clone(), self.y.clone())?;
        let mut mesh = chart.configure_mesh();
        if self.x.title.is_empty() {
            mesh.disable_x_mesh();
        }
        mesh.bold_line_style(Colour::Grid.rgb())
            .axis_style(Colour::Ink.rgb())
            .label_style(text(12))
            .axis_desc_style(text(13))
            .x_desc(self.x.title.as_str())
            .y_desc(self.y.title.as_str())
            .draw()?;
        Ok(chart)
    }

    fn draw(chart: &mut Chart<'_>, mark: &Mark) -> Result<()> {
        match mark {
            Mark::Line {
                through,
                colour,
                dash,
            } => {
                let points = through.iter().copied();
                let style = colour.rgb().stroke_width(2);
                match dash {
                    Some(length) => {
                        chart.draw_series(DashedLineSeries::new(points, *length, *length, style))?;
                    }
                    None => {
                        chart.draw_series([PathElement::new(points.collect::<Vec<_>>(), style)])?;
                    }
                }
            }
            Mark::Point { at, colour, shape } => {
                draw_point(chart, *at, colour.rgb(), *shape)?;
            }
            Mark::Bar { from, to, colour } => {
                chart.draw_series([Rectangle::new([*from, *to], colour.rgb().filled())])?;
            }
            Mark::Text {
                at,
                text: content,
                size,
            } => {
                let style = text(*size).pos(Pos::new(HPos::Center, VPos::Bottom));
                chart.draw_series([Text::new(content.clone(), *at, style)])?;
            }
        }
        Ok(())
    }
}

fn draw_point(chart: &mut Chart<'_>, at: (f64, f64), colour: RGBColor, shape: Shape) -> Result<()> {
    let polygon = Polygon::new(shape.corners(), colour.filled());
    chart.draw_series([EmptyElement::at(at) + polygon])?;
    Ok(())
}

fn text(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&Colour::Ink.rgb())
}
