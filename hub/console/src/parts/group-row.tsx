/**
 * Cases that belong together as one line of the board: how many, the most urgent severity, the earliest clock,
 * and why. Opens in place. It cannot be acknowledged: each case is, by somebody who has looked at it.
 */
import { type CaseSummary, SEVERITIES } from "../data/types";
import { openGroups, setGroupOpen } from "../duty/open-groups";
import { headline, said, t } from "../i18n";
import type { Group } from "../logic/groups";
import type { Key } from "../logic/lines";
import { isOpen } from "../logic/loop";
import { AckClock, Age } from "./clock";
import { Said } from "./said";
import { SeverityBadge, SeverityShape } from "./severity";

interface Given {
  group: Group;
  selected: boolean;
  select: (key: Key) => void;
  place?: { at: number; of: number } | undefined;
}

/** The name of the smallest area that all of them lie in; a flood's desk is an area. */
function whereOf(cases: readonly CaseSummary[]): string {
  const [first, ...others] = cases;
  if (first === undefined) return "";
  if (others.every((each) => each.site.id === first.site.id)) return said(first.site.name) || first.site.id;
  const common = first.area_path.filter((step) =>
    others.every((each) => each.area_path.some((other) => other.code === step.code)),
  );
  return said(common.at(-1)?.name);
}

function Counts({ group }: { group: Group }) {
  const words = t.value.together;
  return (
    <p class="row-facts">
      {SEVERITIES.map((severity) => {
        const n = group.cases.filter((found) => found.severity === severity).length;
        return n === 0 ? null : (
          <span key={severity} class="group-count">
            <SeverityShape severity={severity} />
            {t.value.severity[severity]} {n}
          </span>
        );
      })}
      {group.p1 > 0 && <strong class="group-p1">{words.p1(group.p1)}</strong>}
    </p>
  );
}

export function GroupRow({ group, selected, select, place }: Given) {
  const words = t.value.together;
  const open = openGroups.value.has(group.key);
  const [lead] = group.cases;
  if (lead === undefined) return null;
  const oldest = group.cases.reduce((a, b) => (b.opened_at < a.opened_at ? b : a));
  const names = ["row", "row-group", `row-${group.worst}`];
  if (group.first !== null) names.push("row-waits");
  if (selected) names.push("is-selected");
  if (!group.cases.some(isOpen)) names.push("row-ended");
  return (
    <li
      class={names.join(" ")}
      data-group={group.key}
      onFocusIn={() => select(group.key)}
      aria-posinset={place?.at}
      aria-setsize={place?.of}
    >
      <div class="row-severity">
        <SeverityBadge severity={group.worst} />
      </div>
      <div class="row-what">
        <h3 class="row-title">
          <button
            type="button"
            class="group-toggle"
            id={`group-${group.key}`}
            aria-expanded={open}
            onClick={() => setGroupOpen(group.key, !open)}
          >
            <svg class="group-mark" viewBox="0 0 12 12" aria-hidden="true" focusable="false">
              <path d={open ? "M1 3.5h10L6 9.5z" : "M3.5 1v10l6-5z"} />
            </svg>
            <Said>{words.title[group.cause](headline(lead), whereOf(group.cases))}</Said>
          </button>
        </h3>
        <p class="row-where">{words.why[group.cause]}</p>
        <Counts group={group} />
      </div>
      <div class="row-age">
        <span class="row-label">{words.oldest}</span>
        <Age since={oldest.opened_at} />
      </div>
      <div class="row-ack">
        {group.first === null ? (
          <span class="ack ack-done">{words.allSeen}</span>
        ) : (
          <AckClock found={group.first} />
        )}
      </div>
      <div class="row-act">
        <span class="group-size">
          <strong class="number">{group.cases.length}</strong> {words.cases}
          <span class="group-hint">{open ? words.shut : words.open}</span>
        </span>
      </div>
    </li>
  );
}
