/**
 * Sounds by Web Audio: no files, no network. A browser plays nothing before a gesture of its user, and
 * may stop a running context; `audio` tells at any time whether a sound would be heard.
 */
import { signal } from "@preact/signals";

export type AudioState =
  /** Not asked for yet. */
  | "off"
  | "ready"
  /** The browser waits for a gesture. */
  | "suspended"
  /** There is no way to play on this computer. */
  | "broken";

export const audio = signal<AudioState>("off");

let context: AudioContext | null = null;
let output: GainNode | null = null;

function follow(): void {
  if (context === null) return;
  audio.value = context.state === "running" ? "ready" : "suspended";
}

/** Makes sound possible; call it from a gesture. */
export async function arm(): Promise<boolean> {
  try {
    if (context === null) {
      context = new AudioContext();
      output = context.createGain();
      output.gain.value = 0.5;
      output.connect(context.destination);
      context.onstatechange = follow;
    }
    await Promise.race([context.resume(), new Promise((resolve) => setTimeout(resolve, 1000))]);
    follow();
  } catch {
    audio.value = "broken";
  }
  return audio.value === "ready";
}

/** One soft note: rises and falls without a click. */
function note(startS: number, frequency: number, lengthS: number, loudness: number): void {
  if (context === null || output === null) return;
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  const start = context.currentTime + startS;
  oscillator.type = "triangle";
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(loudness, start + 0.03);
  gain.gain.setValueAtTime(loudness, start + lengthS - 0.08);
  gain.gain.linearRampToValueAtTime(0, start + lengthS);
  oscillator.connect(gain).connect(output);
  oscillator.start(start);
  oscillator.stop(start + lengthS);
}

/** How often a pattern has begun since the page was loaded, for the browser tests and for support. */
export const played = { p1: 0, single: 0 };

/** The P1 pattern, 1.3 s: three falling notes, twice. Urgent, and bearable for minutes. */
export function playP1(): void {
  played.p1 += 1;
  for (const start of [0, 0.7]) {
    note(start, 880, 0.2, 0.9);
    note(start + 0.2, 740, 0.2, 0.9);
    note(start + 0.4, 587, 0.25, 0.9);
  }
}

/** One quiet tone: the test, and what arrives without ringing on. */
export function playSingle(): void {
  played.single += 1;
  note(0, 587, 0.25, 0.5);
  note(0.28, 740, 0.3, 0.5);
}
