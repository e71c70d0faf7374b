/** What a child hub is asked for about one of its cases, and what became of what was asked before. */
import { useSignal } from "@preact/signals";
import {
  askChild,
  type ChildAsk,
  type ChildCaseKey,
  type ChildCommand,
  type ChildDocument,
} from "../data/children";
import { now } from "../data/clock";
import { linkLost } from "../data/live";
import { session } from "../data/session";
import { at, problemInWords, t } from "../i18n";
import { type AskName, commandState, waitingCalls } from "../logic/children";
import { useDoing } from "./asked";
import { Choice } from "./choice";
import { Moment } from "./clock";
import { Said } from "./said";

/** Longest reason that the hub takes, in bytes. */
const REASON_BYTES_MAX = 3_500;
const CARDS = ["yellow", "red", "none"] as const;

/** What the form holds beside the reason; each kind of request uses its own part. */
interface Chosen {
  name: AskName;
  card: string;
  yes: boolean;
  call: number;
}

function requestOf(chosen: Chosen, found: ChildDocument, reason: string): ChildAsk | null {
  switch (chosen.name) {
    case "set_card":
      return { action: "set_card", card: chosen.card, reason };
    case "set_urgent":
      return { action: "set_urgent", yes: chosen.yes, reason };
    case "answer_call": {
      const call = waitingCalls(found).find((each) => each.number === chosen.call);
      return call === undefined
        ? null
        : { action: "answer_call", call: call.number, unit: call.unit, reason };
    }
    default:
      return { action: chosen.name, reason };
  }
}

/** The part of the form that only one kind of request has. */
function Special({
  chosen,
  found,
  change,
}: {
  chosen: Chosen;
  found: ChildDocument;
  change: (part: Partial<Chosen>) => void;
}) {
  const words = t.value.children;
  switch (chosen.name) {
    case "set_card":
      return (
        <Choice
          label={words.ask.set_card}
          name="card"
          value={chosen.card}
          choices={CARDS.map((each) => [each, words.cards[each]])}
          choose={(card) => change({ card })}
        />
      );
    case "set_urgent":
      return (
        <Choice
          label={words.ask.set_urgent}
          name="urgent"
          value={String(chosen.yes)}
          choices={[
            ["true", words.urgentYes],
            ["false", words.urgentNo],
          ]}
          choose={(yes) => change({ yes: yes === "true" })}
        />
      );
    case "answer_call":
      return (
        <Choice
          label={words.call}
          name="call"
          value={chosen.call}
          choices={waitingCalls(found).map((call) => [call.number, words.callLine(call.number, call.unit)])}
          choose={(call) => change({ call: Number(call) })}
        />
      );
    default:
      return null;
  }
}

interface Given {
  at: ChildCaseKey;
  found: ChildDocument;
  asks: readonly AskName[];
  lost: boolean;
  again: () => Promise<void>;
}

function Form({ at: key, found, asks, again }: Given & { asks: readonly [AskName, ...AskName[]] }) {
  const words = t.value.children;
  const chosen = useSignal<Chosen>({
    name: asks[0],
    card: "yellow",
    yes: found.urgent !== true,
    call: waitingCalls(found)[0]?.number ?? 0,
  });
  const reason = useSignal("");
  const lacking = useSignal("");
  const told = useSignal(false);
  const { busy, error, run } = useDoing();
  const send = () => {
    const text = reason.value.trim();
    told.value = false;
    if (text === "") lacking.value = words.reasonNeeded;
    else if (new TextEncoder().encode(text).length > REASON_BYTES_MAX) lacking.value = words.reasonLong;
    else lacking.value = "";
    // A call may have been answered, or the case may have ended, while the form stood open.
    const name = asks.includes(chosen.value.name) ? chosen.value.name : asks[0];
    const what = requestOf({ ...chosen.value, name }, found, text);
    if (lacking.value !== "" || what === null) return;
    run(async () => {
      await askChild(key, what);
      reason.value = "";
      told.value = true;
      await again();
    });
  };
  return (
    <form
      class="child-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <Choice
        label={words.what}
        name="ask"
        value={chosen.value.name}
        choices={asks.map((each) => [each, words.ask[each]])}
        choose={(name) => {
          chosen.value = { ...chosen.value, name: name as AskName };
        }}
      />
      <Special
        chosen={chosen.value}
        found={found}
        change={(part) => {
          chosen.value = { ...chosen.value, ...part };
        }}
      />
      <label class="field">
        {words.reason}
        <textarea
          name="reason"
          rows={3}
          aria-invalid={lacking.value !== ""}
          aria-describedby="child-reason-hint"
          value={reason.value}
          onInput={(event) => {
            reason.value = event.currentTarget.value;
          }}
        />
      </label>
      <p class="form-note" id="child-reason-hint">
        {words.reasonHint}
      </p>
      <div role="status">
        {lacking.value !== "" && <p class="form-error">{lacking.value}</p>}
        {error.value !== null && (
          <p class="form-error">
            {words.notSent}
            <bdi>{problemInWords(error.value)}</bdi>
          </p>
        )}
        {told.value && <p class="good">{words.sent}</p>}
      </div>
      <button type="submit" class="button button-primary" disabled={busy.value || linkLost.value}>
        {busy.value ? words.sending : words.send}
      </button>
    </form>
  );
}

export function ChildAsks(given: Given) {
  const words = t.value.children;
  const [first, ...rest] = given.asks;
  return (
    <section class="panel" aria-labelledby="child-asks">
      <h2 id="child-asks">{words.asks}</h2>
      {first === undefined ? (
        <p class="empty">{given.lost ? words.asksLost : words.asksNone}</p>
      ) : (
        <Form {...given} asks={[first, ...rest]} />
      )}
    </section>
  );
}

/** What exactly was asked for, beside its name. */
function Particulars({ command }: { command: ChildCommand }) {
  const words = t.value.children;
  switch (command.action) {
    case "set_card": {
      const cards: Record<string, string> = words.cards;
      return <Said>{(Object.hasOwn(cards, command.card) && cards[command.card]) || command.card}</Said>;
    }
    case "set_urgent":
      return <>{command.yes ? words.urgentYes : words.urgentNo}</>;
    case "answer_call":
      return <Said>{words.callLine(command.call, command.unit)}</Said>;
    default:
      return null;
  }
}

function CommandLine({ command }: { command: ChildCommand }) {
  const words = t.value.children;
  const state = commandState(command);
  const mine = session.value.is === "signed-in" && session.value.session.username === command.asked_by;
  return (
    <li class={`child-command child-command-${state}`} data-command={state}>
      <span>
        <strong>{words.ask[command.action]}</strong> <Particulars command={command} />
      </span>
      <Said class="history-reason">{command.reason}</Said>
      <span class="child-soft">
        <Said>{mine ? `${command.by_name}` : `${command.by_name} (${command.asked_by})`}</Said>{" "}
        <Moment time={command.at} />
      </span>
      <span class="child-outcome">
        <span class={state === "refused" ? "warning" : state === "done" ? "good" : undefined}>
          {words.commandState[state]}
        </span>{" "}
        {state === "waiting" && <span class="child-soft">{words.waitingHint}</span>}
        {state === "delivered" && command.delivered_at && (
          <span class="child-soft">{words.deliveredAt(at(command.delivered_at, now.value))}</span>
        )}
        {command.settled_at && (
          <span class="child-soft">{words.settledAt(at(command.settled_at, now.value))}</span>
        )}
      </span>
      {command.result?.outcome === "refused" && (
        <Said class="child-refused">{words.refusedBecause(command.result.reason)}</Said>
      )}
    </li>
  );
}

export function CommandLog({ commands }: { commands: readonly ChildCommand[] }) {
  const words = t.value.children;
  const newest = [...commands].sort((a, b) => (a.at < b.at ? 1 : -1));
  return (
    <section class="panel" aria-labelledby="child-log">
      <h2 id="child-log">
        {words.log} {newest.length > 0 && <span class="count-plain">{newest.length}</span>}
      </h2>
      {newest.length === 0 ? (
        <p class="empty">{words.logNone}</p>
      ) : (
        <ol class="child-log">
          {newest.map((each) => (
            <CommandLine key={each.id} command={each} />
          ))}
        </ol>
      )}
    </section>
  );
}
