/** What one browser remembers about how its officers like to see things. Never anything about cases. */
import { effect, signal } from "@preact/signals";
import type { Language } from "./place";

function read(key: string): string | null {
  try {
    return localStorage.getItem(`gridwatch.${key}`);
  } catch {
    return null;
  }
}

function write(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`gridwatch.${key}`);
    else localStorage.setItem(`gridwatch.${key}`, value);
  } catch {
    // Storage may be forbidden or full; the choice then lasts as long as the page.
  }
}

/** Whether this browser's officer has chosen a language; the account's own is used otherwise. */
export let languageChosen = false;

function firstLanguage(): Language {
  const stored = read("language");
  if (stored === "zh" || stored === "en") {
    languageChosen = true;
    return stored;
  }
  const preferred = navigator.languages?.[0] ?? navigator.language;
  return preferred.toLowerCase().startsWith("en") ? "en" : "zh";
}

export const language = signal<Language>(firstLanguage());

effect(() => {
  document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
});

export function chooseLanguage(chosen: Language): void {
  languageChosen = true;
  language.value = chosen;
  write("language", chosen);
}

/** Takes the language of the account unless this browser has its own. */
export function suggestLanguage(suggested: string | null | undefined): void {
  if (languageChosen) return;
  if (suggested === "zh" || suggested === "en") language.value = suggested;
}

export type Theme = "system" | "light" | "dark";

const storedTheme = read("theme");
export const theme = signal<Theme>(
  storedTheme === "light" || storedTheme === "dark" ? storedTheme : "system",
);
const systemDark = matchMedia("(prefers-color-scheme: dark)");
/** Whether the screen is dark now, by choice or by the system. */
export const dark = signal(false);

function applyTheme(): void {
  const chosen = theme.value;
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  dark.value = chosen === "dark" || (chosen === "system" && systemDark.matches);
}

effect(applyTheme);
systemDark.addEventListener("change", applyTheme);

export function chooseTheme(chosen: Theme): void {
  theme.value = chosen;
  write("theme", chosen === "system" ? null : chosen);
}

/** Whether single keys act on the selected case (WCAG 2.1.4 asks for a way to turn them off). */
export const singleKeys = signal(read("single-keys") !== "off");

export function chooseSingleKeys(on: boolean): void {
  singleKeys.value = on;
  write("single-keys", on ? null : "off");
}
