/** The outlines of the severities in a square of 24, and what stands in them; for SVG and for canvases. */
import type { Severity } from "../data/types";

export const SHAPES: Record<Severity, string> = {
  // Octagon, triangle, diamond, circle.
  P1: "M7.5 1.5h9l6 6v9l-6 6h-9l-6-6v-9z",
  P2: "M12 1.8 23 21.5H1z",
  P3: "M12 1 23 12 12 23 1 12z",
  P4: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20z",
};

export const SIGNS: Record<Severity, readonly string[]> = {
  P1: ["M10.7 6h2.6v8h-2.6zM10.7 15.6h2.6v2.6h-2.6z"],
  P2: ["M11 9h2v6h-2zM11 16.4h2v2h-2z"],
  P3: [],
  P4: [],
};
