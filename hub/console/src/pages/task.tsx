/**
 * One task on the phone: where it is, how long there is, and what comes next as large buttons. Everything
 * goes through the queue, so that it works the same with and without a signal.
 */
import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { afterCaseEvent } from "../data/cases";
import { EVIDENCE_TYPES, unfit } from "../data/evidence";
import { onReload } from "../data/live";
import { OutboxFull } from "../data/outbox";
import { sites } from "../data/sites";
import { findTask, keptTask, type TaskFound } from "../data/tasks";
import type { AllowedAction, Case, Details } from "../data/types";
import { addPhoto, addWork, afterSent, mine, unsent } from "../data/work";
import { position } from "../duty/position";
import { actionName, headline, inPlace, problemInWords, said, t } from "../i18n";
import { allowedAhead, oneTap } from "../logic/ahead";
import { geoLink } from "../logic/tasks";
import { ActionForm } from "../parts/action-form";
import { Keeper, type KeptFile } from "../parts/evidence-keeper";
import { Icon } from "../parts/icons";
import { Link } from "../parts/link";
import { QueueLine } from "../parts/queue-line";
import { Said } from "../parts/said";
import { SeverityBadge } from "../parts/severity";
import { TimeLeft } from "./tasks";

type Shown = TaskFound | { is: "loading" };

function useTask(id: number): Signal<Shown> {
  const kept = keptTask(id);
  const shown = useSignal<Shown>(kept === null ? { is: "loading" } : { is: "found", case: kept, kept: true });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let current = true;
    const read = async () => {
      const found = await findTask(id);
      const before = shown.peek();
      if (!current) return;
      // What is on the screen stays there while the hub cannot be asked.
      if (found.is === "failed" && before.is === "found") return;
      if (found.is === "found" && before.is === "found" && found.case.version < before.case.version) return;
      shown.value = found;
    };
    const soon = () => {
      clearTimeout(timer);
      timer = setTimeout(() => void read(), 150);
    };
    const ends = [
      onReload(soon),
      afterCaseEvent((event) => {
        if (event.case.id === id) soon();
      }),
      afterSent((item) => {
        if (item.case === id) soon();
      }),
    ];
    void read();
    return () => {
      current = false;
      clearTimeout(timer);
      for (const end of ends) end();
    };
  }, [id, shown]);
  return shown;
}

/** Photos that were taken for this case since its last result. */
function takenFor(id: number): KeptFile[] {
  const own = mine.value.filter((each) => each.case === id);
  const used = own.filter((each) => each.work.kind === "action" && each.work.action === "feedback").at(-1);
  return own.flatMap((each) =>
    each.work.kind === "evidence" && each.order > (used?.order ?? 0)
      ? [{ sha256: each.work.sha256, name: each.work.name, at: each.made_at }]
      : [],
  );
}

function failureInWords(error: unknown): string {
  return error instanceof OutboxFull ? t.value.phone.full : t.value.phone.storeFailed;
}

function Where({ found }: { found: Case }) {
  const words = t.value.phone;
  const site = sites.value.get(found.site.id);
  const place = inPlace(found.place);
  const address = said(site?.address);
  const name = said(found.site.name) || found.site.id;
  return (
    <section class="panel" aria-labelledby="where-heading">
      <h2 id="where-heading">{t.value.case.where}</h2>
      <p class="task-place">
        <Said>{name}</Said> {place && <Said>{place}</Said>}
      </p>
      {address && (
        <p>
          <Said>{address}</Said>
        </p>
      )}
      {site && typeof site.lat === "number" && typeof site.lon === "number" ? (
        <a class="button button-large button-wide" href={geoLink(site.lat, site.lon, name)} id="navigate">
          <Icon name="place" /> {words.navigate}
        </a>
      ) : (
        <p class="form-note">{words.noPosition}</p>
      )}
    </section>
  );
}

interface StepsGiven {
  found: Case;
  fail: (text: string | null) => void;
}

function OnSite({ found, fail }: StepsGiven) {
  const words = t.value.phone;
  const busy = useSignal(false);
  const arrive = async () => {
    busy.value = true;
    const here = await position();
    const where =
      here === null
        ? words.onSiteBlind
        : words.onSiteAt(here.lat.toFixed(5), here.lon.toFixed(5), here.accuracy_m);
    const details: Details = here === null ? {} : { position: { ...here, at: new Date().toISOString() } };
    await queueAction(found, "note", words.onSiteNote(where), details, fail);
    busy.value = false;
  };
  return (
    <button
      type="button"
      class="button button-large"
      disabled={busy.value}
      onClick={() => void arrive()}
      id="on-site"
    >
      <Icon name="flag" />
      {busy.value ? words.locating : words.onSite}
    </button>
  );
}

function Photo({ found, fail }: StepsGiven) {
  const words = t.value.phone;
  const take = async (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    const file = input.files?.[0];
    input.value = "";
    if (file === undefined) return;
    const wrong = unfit(file);
    if (wrong !== null) return fail(t.value.evidence.unfit[wrong]);
    try {
      await addPhoto({ case: found.id, report: null, title: headline(found) }, file);
      fail(null);
    } catch (error) {
      fail(failureInWords(error));
    }
  };
  return (
    <label class="button button-large photo">
      <Icon name="camera" />
      {words.photo}
      <input
        type="file"
        class="visually-hidden"
        accept={EVIDENCE_TYPES.filter((type) => type.startsWith("image/")).join()}
        capture="environment"
        onChange={(event) => void take(event)}
      />
    </label>
  );
}

async function queueAction(
  found: Case,
  action: AllowedAction["action"],
  reason: string | undefined,
  details: Details,
  fail: (text: string | null) => void,
): Promise<boolean> {
  try {
    await addWork({
      case: found.id,
      report: null,
      title: headline(found),
      work: { kind: "action", action, version: found.version, reason: reason ?? null, details },
    });
    fail(null);
    return true;
  } catch (error) {
    fail(failureInWords(error));
    return false;
  }
}

/** What most people here do next, in this order; everything else is under "other". */
const NEXT: readonly string[] = ["handle", "feedback", "finish_task", "answer_call", "checked", "check"];

function Next({ found, fail }: StepsGiven) {
  const words = t.value.phone;
  const asked = useSignal<string | null>(null);
  const allowed = allowedAhead(found, unsent.value);
  const main = NEXT.flatMap((name) => allowed.filter((each) => each.action === name));
  const others = allowed.filter((each) => !main.includes(each));
  const notes = others.some((each) => each.action === "note");
  const open = allowed.find((each) => each.action === asked.value && !each.blocked);
  const press = (each: AllowedAction) => {
    if (!oneTap(each)) asked.value = asked.value === each.action ? null : each.action;
    else void queueAction(found, each.action, undefined, {}, fail);
  };
  const button = (each: AllowedAction, primary: boolean): ComponentChildren => {
    const blocked = said(each.blocked);
    return (
      <li key={each.action}>
        <button
          type="button"
          class={`button button-large button-wide${primary ? " button-primary" : ""}`}
          disabled={blocked !== ""}
          aria-expanded={oneTap(each) ? undefined : asked.value === each.action}
          onClick={() => press(each)}
        >
          {actionName(each.action)}
        </button>
        {blocked && (
          <p class="blocked">
            <Said>{blocked}</Said>
          </p>
        )}
      </li>
    );
  };
  return (
    <section class="panel" aria-labelledby="next-heading">
      <h2 id="next-heading">{words.next}</h2>
      {allowed.length === 0 && <p class="empty">{t.value.case.noActions}</p>}
      <ul class="steps">{main.map((each, index) => button(each, index === 0))}</ul>
      {notes && (
        <div class="steps-on-site">
          <OnSite found={found} fail={fail} />
          <Photo found={found} fail={fail} />
        </div>
      )}
      {others.length > 0 && (
        <details>
          <summary>{words.more}</summary>
          <ul class="steps">{others.map((each) => button(each, false))}</ul>
        </details>
      )}
      {open && (
        <ActionForm
          key={open.action}
          action={open}
          send={(details, reason) => {
            void queueAction(found, open.action, reason, details, fail).then((kept) => {
              if (kept) asked.value = null;
            });
          }}
          cancel={() => {
            asked.value = null;
          }}
        />
      )}
    </section>
  );
}

function Mine({ id }: { id: number }) {
  const own = mine.value.filter((each) => each.case === id);
  if (own.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="queue-heading">
      <h2 id="queue-heading">{t.value.phone.queueTitle}</h2>
      <ol class="queue" aria-live="polite">
        {own.map((item) => (
          <QueueLine key={item.id} item={item} />
        ))}
      </ol>
    </section>
  );
}

function Reasons({ found }: { found: Case }) {
  const reasons = found.alerts.slice(0, 3).map(({ alert }) => ({ id: alert.id, text: said(alert.reason) }));
  const told = found.transitions.filter((each) => each.reason && each.actor !== "system").slice(-3);
  if (reasons.length === 0 && told.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="why-heading">
      <h2 id="why-heading">{t.value.phone.why}</h2>
      <ul class="plain">
        {reasons.map((each) => (
          <li key={each.id}>
            <Said>{each.text}</Said>
          </li>
        ))}
        {told.map((each) => (
          <li key={each.seq}>
            <Said class="history-who">{each.actor_name || each.actor}</Said> <Said>{each.reason ?? ""}</Said>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Task({ found, kept }: { found: Case; kept: boolean }) {
  const words = t.value.phone;
  const failure = useSignal<string | null>(null);
  const said = useRef((text: string | null) => {
    failure.value = text;
  }).current;
  const keeper = {
    keep: (file: File) => addPhoto({ case: found.id, report: null, title: headline(found) }, file),
    taken: takenFor(found.id),
    note: "queued" as const,
  };
  return (
    <Keeper.Provider value={keeper}>
      {found.is_drill && <p class="drill-band">{t.value.case.drill}</p>}
      <div class={`task-head task-${found.severity}`}>
        <div class="task-top">
          <SeverityBadge severity={found.severity} />
          <TimeLeft found={found} />
        </div>
        <h1>
          <Said>{headline(found)}</Said>
        </h1>
        <p class="task-facts">
          <span class="tag">{t.value.state[found.state]}</span>
          <span class="number">{found.number}</span>
        </p>
      </div>
      {kept && <p class="note note-warning">{words.kept}</p>}
      {failure.value !== null && (
        <p class="form-error" role="alert">
          {failure.value}
        </p>
      )}
      <Next found={found} fail={said} />
      <Mine id={found.id} />
      <Where found={found} />
      <Reasons found={found} />
      <Link to={`/cases/${found.id}`}>{words.whole}</Link>
    </Keeper.Provider>
  );
}

export function TaskPage({ id }: { id: number }) {
  const words = t.value.phone;
  const shown = useTask(id).value;
  return (
    <main class="phone" id="main">
      <Link to="/tasks" class="back">
        <Icon name="back" />
        {words.back}
      </Link>
      {shown.is === "loading" && <p class="note">{t.value.loading}</p>}
      {shown.is === "gone" && (
        <>
          <p class="note note-warning">{words.gone}</p>
          <Mine id={id} />
        </>
      )}
      {shown.is === "failed" && (
        <p class="note note-bad" role="alert">
          {words.notHere} ({problemInWords(shown.error)})
        </p>
      )}
      {shown.is === "found" && <Task found={shown.case} kept={shown.kept} />}
    </main>
  );
}
