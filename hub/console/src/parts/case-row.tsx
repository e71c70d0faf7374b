/** One open case of the list; on a narrow screen the same row is a card. */
import type { CaseSummary } from "../data/types";
import { headline, t } from "../i18n";
import type { Key } from "../logic/lines";
import { isOpen, waits } from "../logic/loop";
import { AcknowledgeButton, CaseNotice, DrillMark, Kinds, Whereabouts } from "./case-parts";
import { AckClock, Age } from "./clock";
import { Link } from "./link";
import { Said } from "./said";
import { SeverityBadge } from "./severity";

interface Given {
  found: CaseSummary;
  selected: boolean;
  target: boolean;
  select: (key: Key) => void;
  /** Whether it stands under its group. */
  within?: boolean;
  /** Its place among all rows and their number, where not all of them are drawn. */
  place?: { at: number; of: number } | undefined;
}

export function CaseRow({ found, selected, target, select, within, place }: Given) {
  const names = ["row", `row-${found.severity}`];
  if (waits(found)) names.push("row-waits");
  if (!isOpen(found)) names.push("row-ended");
  if (within) names.push("row-within");
  if (selected) names.push("is-selected");
  if (found.is_drill) names.push("is-drill");
  return (
    <li
      class={names.join(" ")}
      data-case={found.id}
      onFocusIn={() => select(found.id)}
      aria-posinset={place?.at}
      aria-setsize={place?.of}
    >
      <div class="row-severity">
        <SeverityBadge severity={found.severity} />
      </div>
      <div class="row-what">
        <h3 class="row-title" id={`title-${found.id}`}>
          <Link to={`/cases/${found.id}`} id={`case-${found.id}`}>
            <Said>{headline(found)}</Said>
          </Link>
          {found.is_drill && <DrillMark />}
        </h3>
        <p class="row-where">
          <Whereabouts found={found} />
        </p>
        <p class="row-facts">
          <span class="number">{found.number}</span>
          <span>{t.value.board.alerts(found.alert_count, found.alerts_active)}</span>
          <Kinds found={found} />
        </p>
      </div>
      <div class="row-age">
        <span class="row-label">{t.value.board.columns.age}</span>
        <Age since={found.opened_at} />
      </div>
      <div class="row-ack">
        <AckClock found={found} />
      </div>
      <div class="row-act">
        <AcknowledgeButton found={found} target={target} />
      </div>
      <CaseNotice id={found.id} />
    </li>
  );
}
