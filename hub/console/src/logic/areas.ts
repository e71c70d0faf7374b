/** The area tree as a list. Pure. */
import type { Area } from "../data/types";

/** City, district, street, community, grid; more is a circle. */
const DEPTH_MAX = 8;

/** Each area below the one that it is part of, with how deep it is; those without one first. */
export function inTree(areas: readonly Area[]): [Area, number][] {
  const codes = new Set(areas.map((area) => area.code));
  const below = new Map<string | null, Area[]>();
  for (const area of areas) {
    const parent = area.parent && codes.has(area.parent) ? area.parent : null;
    below.set(parent, [...(below.get(parent) ?? []), area]);
  }
  const walk = (parent: string | null, depth: number): [Area, number][] =>
    depth > DEPTH_MAX
      ? []
      : (below.get(parent) ?? []).flatMap((area) => [[area, depth], ...walk(area.code, depth + 1)]);
  return walk(null, 0);
}
