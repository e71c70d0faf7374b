/** One P1 case in its own zone of the board. */
import type { CaseSummary } from "../data/types";
import { pending } from "../duty/actions";
import { arrivals } from "../duty/announce";
import { headline, t } from "../i18n";
import type { Key } from "../logic/lines";
import { waits } from "../logic/loop";
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
}

export function P1Card({ found, selected, target, select }: Given) {
  const waiting = waits(found) && !pending.value.has(found.id);
  const names = ["p1-card", waiting ? "p1-waits" : "p1-known"];
  if (selected) names.push("is-selected");
  if (waiting && arrivals.value.has(found.id)) names.push("is-new");
  if (found.is_drill) names.push("is-drill");
  return (
    <li class={names.join(" ")} data-case={found.id} onFocusIn={() => select(found.id)}>
      {found.is_drill && <DrillMark />}
      <div class="p1-top">
        <SeverityBadge severity={found.severity} />
        <AckClock found={found} />
      </div>
      <h3 class="p1-title" id={`title-${found.id}`}>
        <Link to={`/cases/${found.id}`} id={`case-${found.id}`}>
          <Said>{headline(found)}</Said>
        </Link>
      </h3>
      <p class="p1-where">
        <Whereabouts found={found} />
      </p>
      <p class="p1-facts">
        <span>
          {t.value.case.age} <Age since={found.opened_at} />
        </span>
        <span>{t.value.board.alerts(found.alert_count, found.alerts_active)}</span>
        <Kinds found={found} />
      </p>
      <div class="p1-act">
        <AcknowledgeButton found={found} target={target} />
      </div>
      <CaseNotice id={found.id} />
    </li>
  );
}
