/** The phone's first page: what this person has to do, what runs out first at the top. */

import { listState } from "../data/cases";
import { now } from "../data/clock";
import { session } from "../data/session";
import { tasks, tasksKept } from "../data/tasks";
import type { CaseSummary } from "../data/types";
import { unsent } from "../data/work";
import { headline, inPlace, said, span, t } from "../i18n";
import { byTimeLeft } from "../logic/tasks";
import { Link } from "../parts/link";
import { Said } from "../parts/said";
import { SeverityBadge } from "../parts/severity";
import { useVirtual } from "../parts/virtual";

/** The time left as words; less than a third of an hour is short. */
const SHORT_MS = 20 * 60_000;

export function TimeLeft({ found }: { found: CaseSummary }) {
  const words = t.value.phone;
  if (!found.due_at) return <span class="due due-none">{words.noDue}</span>;
  const left = Date.parse(found.due_at) - now.value;
  if (left <= 0) return <strong class="due due-late">{words.late(span(-left))}</strong>;
  return <span class={left < SHORT_MS ? "due due-short" : "due"}>{words.left(span(left))}</span>;
}

function TaskCard({ found }: { found: CaseSummary }) {
  const queued = unsent.value.filter((each) => each.case === found.id).length;
  const place = inPlace(found.place);
  return (
    <li class={`task task-${found.severity}`} data-case={found.id}>
      <div class="task-top">
        <SeverityBadge severity={found.severity} />
        <TimeLeft found={found} />
      </div>
      <h2 class="task-title">
        <Link to={`/tasks/${found.id}`}>
          <Said>{headline(found)}</Said>
        </Link>
      </h2>
      <p class="task-where">
        <Said>{said(found.site.name) || found.site.id}</Said> {place && <Said>{place}</Said>}
      </p>
      <p class="task-facts">
        <span class="tag">{t.value.state[found.state]}</span>
        {found.urgent && <span class="tag tag-warning">{t.value.flags.urgent}</span>}
        {found.card && found.card !== "none" && (
          <span class={`tag tag-card-${found.card}`}>{t.value.card[found.card]}</span>
        )}
        {queued > 0 && <span class="tag tag-warning">{t.value.queue.count(queued)}</span>}
        <span class="number">{found.number}</span>
      </p>
    </li>
  );
}

/** A card's height without long texts, in pixels; rows that are measured differ. */
const CARD_PX = 150;

export function TasksPage() {
  const words = t.value.phone;
  const all = [...tasks.value].sort(byTimeLeft);
  const view = useVirtual(all.length, CARD_PX);
  const checker = session.value.is === "signed-in" && session.value.session.role === "checker";
  const loading = listState.value.is === "loading" && all.length === 0;
  return (
    <main class="phone" id="main">
      <h1>
        {words.tasks} <span class="phone-count">{all.length}</span>
      </h1>
      {tasksKept.value && all.length > 0 && <p class="note note-warning">{words.kept}</p>}
      {loading && <p class="note">{t.value.loading}</p>}
      {!loading && all.length === 0 && <p class="list-empty">{checker ? words.emptyChecker : words.empty}</p>}
      <ul class="tasks" ref={view.list}>
        {view.before}
        {all.slice(view.from, view.to).map((found) => (
          <TaskCard key={found.id} found={found} />
        ))}
        {view.after}
      </ul>
    </main>
  );
}
