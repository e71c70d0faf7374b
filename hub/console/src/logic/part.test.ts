import { expect, test } from "vitest";
import { part } from "./part";

test("any text becomes a part of an address, half a surrogate pair too", () => {
  expect(part("a/b?c")).toBe("a%2Fb%3Fc");
  expect(part("\ud83d\ude00")).toBe("%F0%9F%98%80");
  expect(part("lone \ud800")).toBe("lone%20%EF%BF%BD");
  expect(part("\udc00\ud800")).toBe("%EF%BF%BD%EF%BF%BD");
});
