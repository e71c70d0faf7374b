/** The pictures of the guides in docs/guides: all there, few and small. `npm run guides` takes them. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const at = (path: string) => fileURLToPath(new URL(`../../../../docs/guides/${path}`, import.meta.url));
const IMAGES_MAX = 20;
const IMAGE_BYTES_MAX = 80 * 1024;

/** The pictures that the guides name. */
function named(): string[] {
  const guides = ["zh", "en"].flatMap((language) =>
    readdirSync(at(language)).map((file) => `${language}/${file}`),
  );
  const texts = guides.map((file) => readFileSync(at(file), "utf8")).join("\n");
  return [...texts.matchAll(/\(\.\.\/images\/([^)]+)\)/g)].map((match) => match[1] ?? "").sort();
}

test("every picture that a guide names is there, and no other; they are few and small", () => {
  const files = readdirSync(at("images")).sort();
  expect(files).toEqual(named());
  expect(files.length).toBeLessThanOrEqual(IMAGES_MAX);
  expect(files.filter((file) => statSync(at(`images/${file}`)).size > IMAGE_BYTES_MAX)).toEqual([]);
});
