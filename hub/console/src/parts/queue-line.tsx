/** One piece of work in the queue: what it is, how it stands, and what the person may decide about it. */
import { useSignal } from "@preact/signals";
import { now } from "../data/clock";
import { held, outbox } from "../data/work";
import { actionName, at, t } from "../i18n";
import type { OutboxItem } from "../logic/outbox";
import { Moment } from "./clock";
import { Icon } from "./icons";
import { Link } from "./link";
import { Said } from "./said";

export function workName(item: OutboxItem): string {
  switch (item.work.kind) {
    case "action":
      return actionName(item.work.action);
    case "evidence":
      return t.value.queue.photo;
    case "report":
      return t.value.queue.report;
  }
}

function detailOf(item: OutboxItem): string {
  switch (item.work.kind) {
    case "action":
      return item.work.reason ?? "";
    case "evidence":
      return item.work.name;
    case "report":
      return item.work.body.description;
  }
}

const ICONS = {
  waiting: "clock",
  sending: "up",
  done: "check",
  refused: "cross",
  conflict: "cross",
} as const;

function Why({ item }: { item: OutboxItem }) {
  const words = t.value.queue;
  const problem = item.problem;
  if (problem === null) return null;
  if (problem.code === "bytes-gone") return <p class="queue-why">{words.bytesGone}</p>;
  if (item.state !== "conflict") return <Said class="queue-why">{problem.detail || problem.code}</Said>;
  const { by } = problem;
  return (
    <p class="queue-why">
      {by && (
        <Said>
          {words.conflictBy(by.who || t.value.product, actionName(by.action), at(by.at, now.value))}
        </Said>
      )}{" "}
      {words.conflictHint}
    </p>
  );
}

function Decide({ item, look }: { item: OutboxItem; look: boolean }) {
  const words = t.value.queue;
  const sure = useSignal(false);
  return (
    <div class="queue-decide">
      {look && item.case !== null && (
        <Link to={`/tasks/${item.case}`} class="button">
          {words.look}
        </Link>
      )}
      <button type="button" class="button" onClick={() => void outbox.retry(item.id)}>
        {item.state === "conflict" ? words.again : words.retry}
      </button>
      <button
        type="button"
        class="button"
        onClick={() => {
          if (sure.value) void outbox.discard(item.id);
          else sure.value = true;
        }}
      >
        {words.discard}
      </button>
      {sure.value && <p role="alert">{words.discardSure}</p>}
    </div>
  );
}

export function QueueLine({ item, look = false }: { item: OutboxItem; look?: boolean }) {
  const words = t.value.queue;
  const stuck = item.state === "refused" || item.state === "conflict";
  return (
    <li class={`queue-line queue-${item.state}`} data-state={item.state}>
      <div class="queue-top">
        <strong class="queue-what">
          <Said>{workName(item)}</Said>
        </strong>
        <span class="queue-state">
          <Icon name={ICONS[item.state]} />
          {words.state[item.state]}
        </span>
      </div>
      {item.title && look && <Said class="queue-case">{item.title}</Said>}
      {detailOf(item) && <Said class="queue-detail">{detailOf(item)}</Said>}
      <span class="queue-time">
        <Moment time={item.made_at} />
        {item.state === "waiting" && held(item) && ` · ${words.held}`}
      </span>
      <Why item={item} />
      {stuck && <Decide item={item} look={look} />}
    </li>
  );
}
