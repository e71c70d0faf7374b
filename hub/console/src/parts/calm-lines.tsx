/**
 * Floods that last and silences that hide something, as calm lines above the list: what, why, until when, and how
 * it ends. They say what the eye does not see, so they are always there; they come and go only while the list is
 * not held, because they would move it.
 */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Silence } from "../data/admin";
import { openCases } from "../data/cases";
import { endSilenceNow, floods, silences } from "../data/correlation";
import { ApiError } from "../data/http";
import { session } from "../data/session";
import type { Flood, Role } from "../data/types";
import { problemInWords, said, t } from "../i18n";
import { partsOf } from "../logic/silences";
import { Moment } from "./clock";
import { Dialog } from "./dialog";
import { Said } from "./said";
import { useNames } from "./silence-names";

/** Whom the hub lets end a silence. */
const MAY_END: ReadonlySet<Role> = new Set<Role>(["shift_leader", "supervisor", "leader", "administrator"]);

/** The name of the desk's area, as some case of the flood gives it; its code else. */
function deskName(flood: Flood): string {
  const code = flood.desk.split("/").filter(Boolean).at(-1);
  if (code === undefined) return t.value.calm.unknownPlaces;
  for (const found of openCases.value.values()) {
    if (found.flood !== flood.id) continue;
    const step = found.area_path.find((each) => each.code === code);
    if (step !== undefined) return said(step.name);
  }
  return code;
}

function FloodLine({ flood }: { flood: Flood }) {
  const words = t.value.calm;
  return (
    <li class="calm-line" data-flood={flood.id}>
      <span class="tag">{words.flood}</span>
      <p class="calm-text">
        <strong>
          <Said>{deskName(flood)}</Said>
        </strong>{" "}
        {words.floodFacts(flood.alarms, flood.peak)} <Moment time={flood.began_at} />
        {words.since}
        {t.value.calm.stop}
        <span class="calm-soft">{flood.ended_at ? words.floodOver : words.floodEnds}</span>
      </p>
    </li>
  );
}

/** What a silence is about, in words; everything when it names nothing. */
function About({ of }: { of: Silence }) {
  const words = t.value.admin.silence;
  const { nameOf } = useNames([of]);
  const parts = partsOf(of.matcher, nameOf).map(
    ({ field, name }) => `${words.matcher[field]}${t.value.colon}${name}`,
  );
  return <Said>{parts.join(t.value.joiner) || words.everything}</Said>;
}

/** Asks once more: what the silence hides appears at once, and as new. */
function EndDialog({ silence, close }: { silence: Silence; close: () => void }) {
  const words = t.value.calm;
  const busy = useSignal(false);
  const failed = useSignal<unknown>(null);
  const end = async () => {
    busy.value = true;
    try {
      await endSilenceNow(silence);
      close();
    } catch (error) {
      failed.value = error;
      busy.value = false;
    }
  };
  const { value: error } = failed;
  const overtaken = error instanceof ApiError && ["version-conflict", "already-over"].includes(error.code);
  return (
    <Dialog title={words.endTitle} close={close}>
      <p>
        <Said>{silence.why}</Said>
      </p>
      <p>{words.endMeans(silence.hides)}</p>
      {error !== null && (
        <p class="form-error" role="alert">
          {overtaken ? words.endOvertaken : t.value.outcome.refused + problemInWords(error)}
        </p>
      )}
      <div class="reason-buttons">
        {!overtaken && (
          <button
            type="button"
            class="button button-primary"
            disabled={busy.value}
            onClick={() => void end()}
          >
            {words.endNow}
          </button>
        )}
        <button type="button" class="button" onClick={close}>
          {overtaken ? t.value.close : t.value.cancel}
        </button>
      </div>
    </Dialog>
  );
}

function SilenceLine({ silence }: { silence: Silence }) {
  const words = t.value.calm;
  const asking = useSignal(false);
  const role = session.value.is === "signed-in" ? session.value.session.role : null;
  return (
    <li class="calm-line" data-silence={silence.id}>
      <span class={silence.ends_soon ? "tag tag-warning" : "tag"}>{words.silence}</span>
      <p class="calm-text">
        <strong>
          <Said>{silence.why}</Said>
        </strong>{" "}
        <About of={silence} />
        {t.value.calm.stop}
        {words.until} <Moment time={silence.active_until ?? silence.until} />
        {silence.ends_soon && <strong> {words.endsSoon}</strong>}
        {t.value.calm.stop}
        <Said>{silence.by_name}</Said>
        {t.value.calm.stop}
        {words.hides(silence.hides)}
        <span class="calm-soft"> {words.never}</span>
      </p>
      {role !== null && MAY_END.has(role) && (
        <button
          type="button"
          class="button button-small"
          onClick={() => {
            asking.value = true;
          }}
        >
          {words.end}
        </button>
      )}
      {asking.value && (
        <EndDialog
          silence={silence}
          close={() => {
            asking.value = false;
          }}
        />
      )}
    </li>
  );
}

/** What the lines show: kept while the list is held, until it is let go or refreshed. */
export interface Calm {
  floods: readonly Flood[];
  silences: readonly Silence[];
  /** Whether a line waits to be shown. */
  waits: boolean;
}

export function useCalm(still: boolean, turn: number): Calm {
  const [flooded, silenced] = [floods.value, silences.value];
  const shown = useRef({ turn, floods: flooded, silences: silenced });
  if (!still || shown.current.turn !== turn) shown.current = { turn, floods: flooded, silences: silenced };
  const { floods: before, silences: quiet } = shown.current;
  const fresh = (now: readonly { id: number }[], then: readonly { id: number }[]) =>
    now.some(({ id }) => !then.some((each) => each.id === id));
  return { floods: before, silences: quiet, waits: fresh(flooded, before) || fresh(silenced, quiet) };
}

/** More lines than this would push the list away; the rest is one click further. */
const LINES = 3;

export function CalmLines({ calm }: { calm: Calm }) {
  const words = t.value.calm;
  const all = useSignal(false);
  const lines = [
    ...calm.floods.map((flood) => <FloodLine key={`flood ${flood.id}`} flood={flood} />),
    ...calm.silences.map((silence) => <SilenceLine key={`silence ${silence.id}`} silence={silence} />),
  ];
  if (lines.length === 0) return null;
  const more = lines.length - LINES;
  return (
    <section class="calm" aria-label={words.label}>
      <ul class="plain">{all.value ? lines : lines.slice(0, LINES)}</ul>
      {more > 0 && (
        <button
          type="button"
          class="button button-small"
          aria-expanded={all.value}
          onClick={() => {
            all.value = !all.value;
          }}
        >
          {all.value ? words.fewer : words.more(more)}
        </button>
      )}
    </section>
  );
}
