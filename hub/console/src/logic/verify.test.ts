import { expect, test } from "vitest";
import { joined, type VerifyStep } from "./verify";

const step = (change: Partial<VerifyStep>): VerifyStep => ({
  chain: "audit",
  verdict: "goes_on",
  after: 0,
  through: 50_000,
  checked: 50_000,
  first_at: "2026-01-01T00:00:00.000Z",
  last_at: "2026-06-01T00:00:00.000Z",
  head: { links: 50_002, hash: "a" },
  heads: 3,
  next: "50000",
  ...change,
});

test("parts add up, from the first entry to the last", () => {
  const last = step({
    verdict: "whole",
    after: 50_000,
    checked: 3,
    first_at: "2026-06-02T00:00:00.000Z",
    last_at: "2026-06-03T00:00:00.000Z",
    head: { links: 50_003, hash: "b" },
    heads: 1,
    next: null,
  });
  expect(joined(joined(null, step({})), last)).toEqual({
    verdict: "whole",
    checked: 50_003,
    links: 50_003,
    firstAt: "2026-01-01T00:00:00.000Z",
    lastAt: "2026-06-03T00:00:00.000Z",
    heads: 4,
    hash: "b",
    broken: null,
  });
});

test("an empty part at the end keeps the times of the parts before", () => {
  const { first_at, last_at, ...rest } = step({ verdict: "whole", checked: 0, next: null });
  const found = joined(joined(null, step({})), rest);
  expect([found.checked, found.lastAt]).toEqual([50_000, "2026-06-01T00:00:00.000Z"]);
  expect(joined(null, { ...rest, head: { links: 0, hash: "0" } }).firstAt).toBeNull();
});

test("a break stays beside what fits before it", () => {
  const words = { zh: "坏", en: "bad" };
  const broken = { kind: "changed" as const, link: 7, what: words, advice: words };
  const found = joined(null, step({ verdict: "broken", checked: 6, broken, next: null }));
  expect([found.verdict, found.checked, found.broken?.link]).toEqual(["broken", 6, 7]);
});
