/**
 * The map itself, for the map page and for the wall: loads what draws it when it is shown, lays the hub's
 * streets below it where there are some, and draws it anew when the graphics card has lost it. What
 * `fallback` shows stands there while no map can be drawn.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { MapData, TileInfo } from "../data/map";
import { t } from "../i18n";
import { drawingOf, extent, type Row, type Target } from "../logic/map";
import { dark, language } from "../logic/settings";
import type { Basemap } from "./basemap";
import type { DrawnMap } from "./map-draw";
import { Said } from "./said";

interface Given {
  data: MapData;
  rows: Row[];
  at: [number, number] | null;
  /** What is pressed; null for a map that nobody touches. */
  pick: ((target: Target) => void) | null;
  fallback: ComponentChildren;
  /** Size of names in pixels. */
  textPx?: number;
}

/** After the graphics card has lost the map, and again until it can be drawn. */
const AGAIN_MS = 2000;
const AGAIN_MAX_MS = 60_000;

type Streets = { base: Basemap | null; failed: boolean };

/** The streets; a map without them is better than none. */
async function streets(tiles: TileInfo | null): Promise<Streets> {
  if (tiles === null) return { base: null, failed: false };
  try {
    const { basemap } = await import("./basemap");
    const base = await basemap(tiles);
    return { base, failed: base === null };
  } catch {
    return { base: null, failed: true };
  }
}

export function MapCanvas({ data, rows, at, pick, fallback, textPx = 14 }: Given) {
  const words = t.value.map;
  const box = useRef<HTMLDivElement>(null);
  const drawn = useRef<DrawnMap | null>(null);
  const state = useSignal<"loading" | "drawn" | "failed">("loading");
  const below = useSignal<Streets>({ base: null, failed: false });
  const drawing = drawingOf(data, rows, language.value, (domain) => words.domain[domain]);
  const newest = useRef({ drawing, data, pick });
  newest.current = { drawing, data, pick };
  useEffect(() => {
    let current = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let pause = AGAIN_MS;
    const again = () => {
      if (!current) return;
      const old = drawn.current;
      drawn.current = null;
      clearTimeout(timer);
      // Later: the map is still busy with telling that it is lost.
      timer = setTimeout(() => void begin(old), pause);
      pause = Math.min(AGAIN_MAX_MS, pause * 2);
    };
    const begin = async (old: DrawnMap | null) => {
      try {
        old?.end();
        const { drawMap } = await import("./map-draw");
        below.value = await streets(newest.current.data.tiles);
        if (!current || box.current === null) return;
        const now = newest.current;
        // What a failed try has left.
        box.current.replaceChildren();
        drawn.current = drawMap(box.current, {
          drawing: now.drawing,
          box: extent(now.data),
          label: t.peek().map.title,
          base: below.value.base,
          textPx,
          pick: now.pick === null ? null : (target) => newest.current.pick?.(target),
          lost: () => {
            state.value = "failed";
            again();
          },
        });
        state.value = "drawn";
        pause = AGAIN_MS;
      } catch {
        // No WebGL, or the file did not come: what stands beside has everything.
        state.value = "failed";
        again();
      }
    };
    void begin(null);
    return () => {
      current = false;
      clearTimeout(timer);
      drawn.current?.end();
      drawn.current = null;
    };
  }, [state, below, textPx]);
  const colours = dark.value;
  const before = useRef(colours);
  useEffect(() => {
    if (before.current === colours) drawn.current?.show(drawing);
    else drawn.current?.recolour(drawing);
    before.current = colours;
  }, [drawing, colours]);
  useEffect(() => {
    if (at !== null) drawn.current?.goTo(at);
  }, [at]);
  const { base, failed } = below.value;
  return (
    <div class="map-box">
      <div class="map-canvas" ref={box} data-state={state.value} />
      {state.value === "loading" && <p class="map-note">{t.value.loading}</p>}
      {state.value === "failed" && (
        <div class="map-note" role="status">
          {fallback}
        </div>
      )}
      {state.value === "drawn" && failed && <p class="map-about">{words.noStreets}</p>}
      {state.value === "drawn" && base !== null && base.attribution !== "" && (
        <p class="map-about">
          <Said>{base.attribution}</Said>
        </p>
      )}
    </div>
  );
}
