import { expect, test } from "vitest";
import { seconds } from "./latency";

test("a latency is told in seconds, and one that is not known is not told as zero", () => {
  expect(seconds(120)).toBe("0.12 s");
  expect(seconds(0)).toBe("0.00 s");
  expect(seconds(61_500)).toBe("61.50 s");
  expect(seconds(undefined)).toBeNull();
  expect(seconds(null)).toBeNull();
});
