/** The way of a case through its states, with who took each step and when. */
import type { Case, CaseState, Transition } from "../data/types";
import { t } from "../i18n";
import { stepsOf } from "../logic/loop";
import { Moment } from "./clock";
import { Icon } from "./icons";
import { Said } from "./said";

/** The transition that brought the case into a state, the latest one. */
function entry(found: Case, state: CaseState): Transition | undefined {
  return found.transitions.filter((each) => each.to === state && each.from !== state).at(-1);
}

/** Who did it. What a parent hub asked for is done under `parent:` and the name of that hub. */
export function actorName(transition: Transition): string {
  if (transition.actor.startsWith("parent:")) return `${t.value.children.byParent} ${transition.actor_name}`;
  return transition.actor === "system" ? t.value.product : transition.actor_name || transition.actor;
}

export function Way({ found }: { found: Case }) {
  const steps = stepsOf(found.state, new Set(found.transitions.map((each) => each.to)));
  return (
    <ol class="way" aria-label={t.value.case.way}>
      {steps.map((step) => {
        const taken = entry(found, step);
        const here = found.state === step;
        const name = here ? "way-step way-here" : taken ? "way-step way-taken" : "way-step";
        return (
          <li key={step} class={name} aria-current={here ? "step" : undefined}>
            <span class="way-dot">{taken && !here && <Icon name="check" />}</span>
            <span class="way-name">{t.value.state[step]}</span>
            {taken ? (
              <span class="way-who">
                <Said>{actorName(taken)}</Said> <Moment time={taken.at} />
              </span>
            ) : (
              <span class="way-who way-not">{t.value.case.wayNotYet}</span>
            )}
          </li>
        );
      })}
    </ol>
  );
}
