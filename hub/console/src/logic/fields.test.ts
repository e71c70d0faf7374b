import { expect, test } from "vitest";
import type { ActionField } from "../data/types";
import { blank, detailsOf, lackingFields } from "./fields";

const field = (name: string, kind: ActionField["kind"], more: Partial<ActionField> = {}): ActionField => ({
  name,
  kind,
  label: { zh: name, en: name },
  required: true,
  ...more,
});

test("a form begins with what the hub suggests", () => {
  const fields = [field("unit", "one_of", { suggested: "fire" }), field("conditions", "many_of")];
  expect(blank(fields)).toEqual({ unit: "fire", conditions: [] });
});

test("what is required and empty is lacking, and so is what cannot be read", () => {
  const fields = [field("unit", "one_of"), field("handler", "name", { required: false })];
  expect(lackingFields(fields, { unit: " ", handler: "" })).toEqual(["unit"]);
  expect(lackingFields([field("until", "time")], { until: "soon" })).toEqual(["until"]);
  expect(lackingFields([field("case", "case")], { case: "1.5" })).toEqual(["case"]);
  expect(lackingFields([field("case", "case")], { case: "15" })).toEqual([]);
});

test("fields are sent as what they are, and empty ones are left out", () => {
  const fields = [
    field("yes", "yes_no"),
    field("case", "case"),
    field("score", "one_of"),
    field("until", "time"),
    field("conditions", "many_of"),
    field("handler", "name", { required: false }),
  ];
  const values = {
    yes: "false",
    case: "12",
    score: "4",
    until: "2026-11-25T08:00:00.000Z",
    conditions: ["stopped"],
    handler: "",
  };
  expect(detailsOf(fields, values)).toEqual({
    yes: false,
    case: 12,
    score: 4,
    until: "2026-11-25T08:00:00.000Z",
    conditions: ["stopped"],
  });
});
