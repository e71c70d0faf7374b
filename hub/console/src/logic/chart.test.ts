import { expect, test } from "vitest";
import type { Series } from "../data/types";
import { isLane, lanes, panels, valueAt } from "./chart";

const series = (given: Partial<Series>): Series => ({
  device: "d",
  kind: "smoke",
  unit: null,
  points: [],
  ...given,
});

test("states are lanes and measured numbers are lines", () => {
  expect(isLane(series({ kind: "door", points: [[1, 0]] }))).toBe(true);
  expect(
    isLane(
      series({
        kind: "smoke",
        points: [
          [1, 0],
          [2, 1],
        ],
      }),
    ),
  ).toBe(true);
  expect(isLane(series({ kind: "lock", points: [[1, "jammed"]] }))).toBe(true);
  expect(isLane(series({ kind: "smoke", unit: "%/m", points: [[1, 0]] }))).toBe(false);
  expect(isLane(series({ kind: "co2", unit: "ppm", points: [[1, 415]] }))).toBe(false);
});

test("lines of one unit share a panel and one time axis without invented points", () => {
  const [panel, ...more] = panels([
    series({
      device: "a",
      kind: "temperature",
      unit: "°C",
      points: [
        [1000, 20],
        [3000, 22],
      ],
    }),
    series({ device: "b", kind: "temperature", unit: "°C", points: [[2000, 5]] }),
    series({ device: "c", kind: "door", points: [[1000, 1]] }),
  ]);
  expect(more).toEqual([]);
  expect(panel?.ts).toEqual([1, 2, 3]);
  expect(panel?.values).toEqual([
    [20, null, 22],
    [null, 5, null],
  ]);
});

test("a state holds until the next one and the last one until the end", () => {
  const [lane] = lanes(
    [
      series({
        kind: "door",
        points: [
          [0, 0],
          [10, 1],
          [20, 1],
          [30, 0],
        ],
      }),
    ],
    50,
  );
  expect(lane?.stretches).toEqual([
    { fromMs: 0, toMs: 10, value: 0, active: false },
    { fromMs: 10, toMs: 30, value: 1, active: true },
    { fromMs: 30, toMs: 50, value: 0, active: false },
  ]);
});

test("the readout shows the newest value at or before the cursor", () => {
  const line = series({
    unit: "%",
    points: [
      [10, 1],
      [20, 2],
    ],
  });
  expect(valueAt(line, 5)).toBe(null);
  expect(valueAt(line, 19)).toBe(1);
  expect(valueAt(line, 20)).toBe(2);
});
