import { expect, test } from "vitest";
import { partsOf, WHOLE_MAX, windowOf } from "./virtual";

test("a short list is drawn whole, of a long one what is near the window", () => {
  expect(windowOf(WHOLE_MAX, 85, 5000, 900)).toEqual([0, WHOLE_MAX]);
  const [from, to] = windowOf(10_000, 85, 85 * 5000, 900);
  expect(from).toBeLessThan(5000);
  expect(to).toBeGreaterThan(5000 + 900 / 85);
  expect(to - from).toBeLessThan(WHOLE_MAX);
  expect(windowOf(10_000, 85, 85 * 10_000, 900)[1]).toBe(10_000);
});

test("the selected row is drawn once, in its place, wherever the window is", () => {
  expect(partsOf(100, 160, -1)).toEqual([[100, 160]]);
  expect(partsOf(100, 160, 120)).toEqual([[100, 160]]);
  expect(partsOf(100, 160, 3)).toEqual([
    [3, 4],
    [100, 160],
  ]);
  expect(partsOf(100, 160, 160)).toEqual([
    [100, 160],
    [160, 161],
  ]);
});
