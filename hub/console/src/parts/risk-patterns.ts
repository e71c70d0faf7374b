/**
 * What tells domains of risk apart without colour: a pattern of lines for each, in a square of 16 that
 * repeats without a seam; for SVG and for canvases.
 */
import type { Domain } from "../data/map";

export const PATTERN_SIDE = 16;

export const PATTERNS: Record<Domain, string> = {
  // Rising strokes, waves, dots, bricks, upright strokes, falling strokes.
  fire: "M-4 4 4-4M0 16 16 0M12 20 20 12",
  flood: "M0 4q4-4 8 0t8 0M0 12q4-4 8 0t8 0",
  chemical: "M4 2.800a1.200 1.200 0 1 0 .01 0M12 10.800a1.200 1.200 0 1 0 .01 0",
  structure: "M0 0H16M0 8H16M4 0V8M12 8V16",
  crowd: "M4 0V16M12 0V16",
  other: "M-4 12 4 20M0 0 16 16M12-4 20 4",
};
