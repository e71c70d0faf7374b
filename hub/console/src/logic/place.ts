/** Places and area paths in words. The parts come from devices: they are joined as text, nothing more. */
import type { AreaLevel, CaseSummary, Place, Text } from "../data/types";

export type Language = "zh" | "en";

/** The sentence in the language of the screen, or in the other one when it has none. */
export function said(text: Text | null | undefined, language: Language): string {
  if (!text) return "";
  const [mine, other] = language === "zh" ? [text.zh, text.en] : [text.en, text.zh];
  return mine?.trim() ? mine : (other ?? "");
}

/** Short marks such as `3` or `B2` get the word for what they are; whole phrases stay as written. */
const SHORT = /^[0-9A-Za-z#-]{1,4}$/;

const WORDS: Record<Language, Record<"building" | "unit" | "floor", (mark: string) => string>> = {
  zh: { building: (m) => `${m}栋`, unit: (m) => `${m}单元`, floor: (m) => `${m}层` },
  en: { building: (m) => `Building ${m}`, unit: (m) => `Unit ${m}`, floor: (m) => `Floor ${m}` },
};

/** Where inside the site, from the large to the small; empty when nothing is known. */
export function placeInWords(place: Place | null | undefined, language: Language): string {
  if (!place) return "";
  const words = WORDS[language];
  const parts: string[] = [];
  for (const part of ["building", "unit", "floor"] as const) {
    const mark = place[part]?.trim();
    if (mark) parts.push(SHORT.test(mark) ? words[part](mark) : mark);
  }
  const room = place.room?.trim();
  if (room) parts.push(room);
  return parts.join(language === "zh" ? " " : ", ");
}

const LEVELS: readonly AreaLevel[] = ["city", "district", "street", "community", "grid"];

/** The area path from city to grid. */
export function areaInWords(path: CaseSummary["area_path"], language: Language): string {
  return [...path]
    .sort((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level))
    .map((area) => said(area.name, language))
    .join(" › ");
}

/**
 * What to write large. The hub's titles are made of category, site and place; site and place stand on
 * their own line, so only the category is left. Any other title is shown whole.
 */
export function headline(found: CaseSummary, language: Language): string {
  const title = said(found.title, language);
  const category = said(found.category_name, language);
  const site = said(found.site.name, language);
  return category !== "" && site !== "" && title.startsWith(`${category} · ${site}`) ? category : title;
}
