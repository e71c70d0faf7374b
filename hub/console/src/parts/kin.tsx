/**
 * The cases that this one is merged into, has taken in, was split from or gave, or is related to: who said so and
 * why, and the way to undo it.
 */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { loadCase } from "../data/cases";
import type { Case } from "../data/types";
import { pending } from "../duty/actions";
import { comeBack, giveBack, takeIn } from "../duty/joining";
import { headline, said, t } from "../i18n";
import { isOpen } from "../logic/loop";
import { about, type Tie, tiesOf } from "../logic/ties";
import { Moment } from "./clock";
import { Link } from "./link";
import { ReasonForm } from "./reason-form";
import { Said } from "./said";
import { SeverityBadge } from "./severity";
import { actorName } from "./way";

interface Given {
  found: Case;
  take: (found: Case) => void;
  again: () => void;
}

/** The case at the other end; `null` when it is not seen. Read again whenever this one changes. */
function useOther(id: number, version: number): Signal<Case | null | undefined> {
  const other = useSignal<Case | null | undefined>(undefined);
  useEffect(() => {
    let current = true;
    loadCase(id).then(
      (read) => {
        if (current) other.value = read;
      },
      () => {
        if (current && other.peek() === undefined) other.value = null;
      },
    );
    return () => {
      current = false;
    };
  }, [id, version, other]);
  return other;
}

interface Undo {
  label: string;
  title: string;
  run: (reason: string) => Promise<Case | null>;
}

const nothing = () => null;

/** How a tie is undone, where the hub lets this person. */
function undoOf(tie: Tie, found: Case, other: Case | null): Undo | null {
  const words = t.value.kin;
  const may = (each: Case | null, action: "merge" | "undo_merge") =>
    each?.allowed_actions.some((allowed) => allowed.action === action && !allowed.blocked) ?? false;
  switch (tie.how) {
    case "into":
      if (!may(found, "undo_merge")) return null;
      return {
        label: words.undoMerge,
        title: words.undoMergeTitle(found.number),
        run: (reason) => comeBack(found, reason),
      };
    case "took":
      if (other === null || !may(other, "undo_merge")) return null;
      return {
        label: words.undoMerge,
        title: words.undoMergeTitle(other.number),
        run: (reason) => giveBack(found, other, reason).then(nothing),
      };
    case "parted":
      if (other === null || !isOpen(found) || !may(other, "merge")) return null;
      return {
        label: words.rejoin,
        title: words.rejoinTitle(other.number),
        run: (reason) => takeIn(found, other, reason).then(nothing),
      };
    default:
      return null;
  }
}

/** Why, in the words of who did it; else in the hub's. A merge is explained on the case that went. */
function Why({ tie, other }: { tie: Tie; other: Case | null }) {
  const given =
    tie.how === "took" && other !== null ? about(other, ["merge"], other.progress?.merged?.case ?? 0) : null;
  const row = given ?? tie.row;
  if (row === undefined) return null;
  return (
    <p class="kin-why">
      <Said>{t.value.kin.byWhom(actorName(row))}</Said>
      <Said>{row.reason || said(row.note)}</Said> <Moment time={row.at} />
    </p>
  );
}

function TieItem({ tie, given }: { tie: Tie; given: Given }) {
  const words = t.value.kin;
  const { found, take, again } = given;
  const other = useOther(tie.id, found.version).value;
  const asking = useSignal(false);
  const undo = undoOf(tie, found, other ?? null);
  const busy = pending.value.has(found.id) || pending.value.has(tie.id);
  const send = async (run: Undo["run"], reason: string) => {
    const now = await run(reason);
    asking.value = false;
    if (now !== null) take(now);
    again();
  };
  return (
    <li class="kin" data-tie={tie.how} data-case={tie.id}>
      <p class="kin-top">
        <span class="tag">{words[tie.how]}</span>
        {other === undefined && t.value.loading}
        {other === null && words.gone}
        {other && (
          <>
            <SeverityBadge severity={other.severity} />
            <Link to={`/cases/${other.id}`}>
              <Said>{headline(other)}</Said>
            </Link>
          </>
        )}
      </p>
      {other && (
        <p class="kin-facts">
          <span class="number">{other.number}</span>
          <span>{t.value.state[other.state]}</span>
        </p>
      )}
      <Why tie={tie} other={other ?? null} />
      {undo !== null && (
        <button
          type="button"
          class="button button-small"
          disabled={busy}
          aria-expanded={asking.value}
          onClick={() => {
            asking.value = !asking.value;
          }}
        >
          {undo.label}
        </button>
      )}
      {undo !== null && asking.value && (
        <ReasonForm
          title={undo.title}
          busy={busy}
          send={(reason) => void send(undo.run, reason)}
          cancel={() => {
            asking.value = false;
          }}
        />
      )}
    </li>
  );
}

export function KinPanel(given: Given) {
  const words = t.value.kin;
  const ties = tiesOf(given.found);
  if (ties.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="kin-heading">
      <h2 id="kin-heading">{words.title}</h2>
      <ul class="plain kins">
        {ties.map((tie) => (
          <TieItem key={`${tie.how} ${tie.id}`} tie={tie} given={given} />
        ))}
      </ul>
    </section>
  );
}
