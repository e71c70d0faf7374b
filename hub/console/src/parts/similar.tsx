/** Open cases that the hub takes for the same matter, with its reasons; joining is for people to decide. */
import { useSignal } from "@preact/signals";
import { loadSimilar } from "../data/correlation";
import type { Case, SimilarCase } from "../data/types";
import { pending } from "../duty/actions";
import { mergeInto, takeIn } from "../duty/joining";
import { headline, problemInWords, said, t } from "../i18n";
import { isOpen } from "../logic/loop";
import { useAsked } from "./asked";
import { Ago } from "./clock";
import { Link } from "./link";
import { ReasonForm } from "./reason-form";
import { Said } from "./said";
import { SeverityBadge } from "./severity";

interface Given {
  found: Case;
  take: (found: Case) => void;
  again: () => void;
}

function Likeness({ each }: { each: SimilarCase }) {
  const words = t.value.kin;
  const reasons = each.reasons.map(said);
  // The distance stands among the reasons where the hub takes two sites for near.
  const told = reasons.some((reason) => /\d\s*(米|m )/.test(reason));
  if (!told && each.metres !== null && each.metres !== undefined && each.metres > 0)
    reasons.push(words.metres(each.metres));
  return (
    <p class="kin-why">
      <span class="tag">{words.likeness(each.score)}</span> <Said>{reasons.join(t.value.joiner)}</Said>
    </p>
  );
}

function Similar({ each, given }: { each: SimilarCase; given: Given }) {
  const words = t.value.kin;
  const { found, take, again } = given;
  const asking = useSignal<"that" | "this" | null>(null);
  const other = each.case;
  const allowed = found.allowed_actions.find((action) => action.action === "merge");
  const busy = pending.value.has(found.id) || pending.value.has(other.id);
  const send = async (reason: string) => {
    if (asking.value === "that") {
      const now = await mergeInto(found, other, reason);
      if (now !== null) take(now);
    } else await takeIn(found, other, reason);
    asking.value = null;
    again();
  };
  const ask = (what: "that" | "this") => () => {
    asking.value = asking.value === what ? null : what;
  };
  return (
    <li class="kin" data-case={other.id}>
      <p class="kin-top">
        <SeverityBadge severity={other.severity} />
        <Link to={`/cases/${other.id}`}>
          <Said>{headline(other)}</Said>
        </Link>
      </p>
      <p class="kin-facts">
        <span class="number">{other.number}</span>
        <Said>{said(other.site.name) || other.site.id}</Said>
        <span>{t.value.state[other.state]}</span>
        <Ago since={other.opened_at} />
      </p>
      <Likeness each={each} />
      {allowed !== undefined && !allowed.blocked && (
        <div class="kin-buttons">
          {(["this", "that"] as const).map((what) => (
            <button
              key={what}
              type="button"
              class="button button-small"
              disabled={busy}
              aria-expanded={asking.value === what}
              onClick={ask(what)}
            >
              {what === "this" ? words.intoThis : words.intoThat}
            </button>
          ))}
        </div>
      )}
      {asking.value !== null && (
        <ReasonForm
          key={asking.value}
          title={
            asking.value === "this" ? words.intoThisTitle(other.number) : words.intoThatTitle(other.number)
          }
          hint={words.mergeMeans}
          busy={busy}
          send={(reason) => void send(reason)}
          cancel={() => {
            asking.value = null;
          }}
        />
      )}
    </li>
  );
}

export function SimilarPanel(given: Given) {
  const words = t.value.kin;
  const { found } = given;
  const asked = useAsked(() => loadSimilar(found.id), `${found.id} ${found.version}`);
  // While the next answer is on its way, the last one stays: nothing jumps.
  const last = useSignal<SimilarCase[] | null>(null);
  if (asked.value.value !== null && last.peek() !== asked.value.value.items)
    last.value = asked.value.value.items;
  if (!isOpen(found)) return null;
  const items = asked.value.value?.items ?? last.value;
  // After a refusal the other case is at another version than the one that was seen.
  const again = () => {
    given.again();
    void asked.again();
  };
  return (
    <section class="panel" aria-labelledby="similar-heading">
      <h2 id="similar-heading">{words.similar}</h2>
      {asked.error.value !== null && (
        <p class="note note-bad" role="alert">
          {words.similarFailed}
          {problemInWords(asked.error.value)}{" "}
          <button type="button" class="button button-small" onClick={() => void asked.again()}>
            {t.value.again}
          </button>
        </p>
      )}
      {items === null && asked.error.value === null && <p class="empty">{t.value.loading}</p>}
      {items?.length === 0 && <p class="empty">{words.similarNone}</p>}
      {items !== null && items.length > 0 && (
        <>
          <p class="form-note">{words.similarHint}</p>
          <ul class="plain kins">
            {items.map((each) => (
              <Similar key={each.case.id} each={each} given={{ ...given, again }} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
