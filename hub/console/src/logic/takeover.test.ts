import { expect, test } from "vitest";
import { mayTakeOver } from "./takeover";

const NOW = Date.parse("2026-11-22T08:00:00Z");
const BEGAN = "2026-11-22T07:00:00.000Z";
const desk = {
  shift: { from: BEGAN },
  on_duty: [
    { username: "wang", role: "officer" },
    { username: "zhang", role: "shift_leader" },
    { username: "boss", role: "leader" },
  ],
  next_hand_over: { at: "2026-11-22T19:00:00.000Z", officers: ["li"] },
};

test("officers and the shift leader of the present shift take it over, nobody else", () => {
  const may = (who: string) => mayTakeOver(desk, [], who, NOW);
  expect(["wang", "zhang", "boss", "li"].map(may)).toEqual([true, true, false, false]);
});

test("who has taken a shift over is not asked again, the colleague still is", () => {
  const taken = [{ shift_from: BEGAN, taken_by: "wang" }];
  expect(mayTakeOver(desk, taken, "wang", NOW)).toBe(false);
  expect(mayTakeOver(desk, taken, "zhang", NOW)).toBe(true);
  const later = [{ shift_from: BEGAN, taken_by: "zhang" }, ...taken];
  expect(mayTakeOver(desk, later, "wang", NOW)).toBe(false);
});

test("the next shift is taken over from half an hour before it begins", () => {
  const begins = Date.parse(desk.next_hand_over.at);
  expect(mayTakeOver(desk, [], "li", begins - 31 * 60_000)).toBe(false);
  expect(mayTakeOver(desk, [], "li", begins - 30 * 60_000)).toBe(true);
});

test("without a roster's shift there is nothing to take over", () => {
  expect(mayTakeOver({ ...desk, shift: null }, [], "wang", NOW)).toBe(false);
});
