/** One crew of a shift: its officers in the order in which they are called, and its shift leader. */
import { useSignal } from "@preact/signals";
import type { Crew } from "../../../data/rosters";
import { t } from "../../../i18n";
import { moved, without } from "../../../logic/roster-draft";
import { Icon } from "../../../parts/icons";
import { Said } from "../../../parts/said";
import { PersonChoice, useNames } from "./people";

/** Moving and taking out: what follows from it is shown, and the focus goes where the hand expects it. */
interface ToolsGiven {
  /** Begins the ids of its buttons. */
  id: string;
  /** What it is about, for those who hear the page. */
  about: string;
  first: boolean;
  last: boolean;
  move: (step: number) => void;
  remove: () => void;
  removeName: string;
}

export function OrderTools({ id, about, first, last, move, remove, removeName }: ToolsGiven) {
  const words = t.value.admin.roster;
  const step = (name: "up" | "down", disabled: boolean, by: number) => (
    <button
      type="button"
      id={`${id}-${name}`}
      class="button button-small roster-step"
      disabled={disabled}
      onClick={() => move(by)}
      title={words[name]}
    >
      <span aria-hidden="true">{name === "up" ? "↑" : "↓"}</span>
      <span class="visually-hidden">
        {words[name]} <bdi>{about}</bdi>
      </span>
    </button>
  );
  return (
    <span class="roster-tools">
      {step("up", first, -1)}
      {step("down", last, 1)}
      <button type="button" id={`${id}-remove`} class="button button-small" onClick={remove}>
        {removeName}
        <span class="visually-hidden">
          {" "}
          <bdi>{about}</bdi>
        </span>
      </button>
    </span>
  );
}

interface CrewGiven {
  id: string;
  crew: Crew;
  index: number;
  /** How many crews the shift has. */
  of: number;
  /** Everybody whom the roster names. */
  named: readonly string[];
  change: (crew: Crew) => void;
  move: (step: number) => void;
  remove: () => void;
  /** Puts the focus on the first of these that can have it, once they are drawn. */
  focus: (...ids: string[]) => void;
}

export function CrewForm({ id, crew, index, of, named, change, move, remove, focus }: CrewGiven) {
  const words = t.value.admin.roster;
  const called = useNames();
  const wanted = useSignal("");
  const { officers } = crew;
  const take = () => {
    if (wanted.value === "" || officers.includes(wanted.value)) return;
    change({ ...crew, officers: [...officers, wanted.value] });
    wanted.value = "";
  };
  const shift = (at: number, step: number) => {
    change({ ...crew, officers: moved(officers, at, step) });
    const to = `${id}-officer-${at + step}`;
    focus(`${to}-${step < 0 ? "up" : "down"}`, `${to}-remove`);
  };
  const out = (at: number) => {
    change({ ...crew, officers: without(officers, at) });
    focus(`${id}-officer-${Math.max(0, at - 1)}-remove`, `${id}-add`, `${id}-remove`);
  };
  return (
    <li class="roster-crew">
      <fieldset>
        <legend>{words.crew(index + 1)}</legend>
        <OrderTools
          id={id}
          about={words.crew(index + 1)}
          first={index === 0}
          last={index === of - 1}
          move={move}
          remove={remove}
          removeName={words.removeCrew}
        />
        {officers.length === 0 ? (
          <p class="panel-hint">{words.noOfficers}</p>
        ) : (
          <ol class="roster-officers">
            {officers.map((each, at) => (
              <li key={each}>
                <Said>{called(each)}</Said>
                <OrderTools
                  id={`${id}-officer-${at}`}
                  about={each}
                  first={at === 0}
                  last={at === officers.length - 1}
                  move={(step) => shift(at, step)}
                  remove={() => out(at)}
                  removeName={words.removePerson}
                />
              </li>
            ))}
          </ol>
        )}
        <div class="roster-pick">
          <PersonChoice
            label={words.officer}
            name={`${id}-add`}
            value={wanted.value}
            nobody={t.value.case.choose}
            except={officers}
            also={named}
            choose={(each) => {
              wanted.value = each;
            }}
          />
          <button
            type="button"
            id={`${id}-add`}
            class="button"
            aria-disabled={wanted.value === ""}
            onClick={take}
          >
            <Icon name="plus" />
            {words.addOfficer}
          </button>
        </div>
        <PersonChoice
          label={words.crewLeader}
          name={`${id}-leader`}
          value={crew.shift_leader ?? ""}
          nobody={words.noLeader}
          also={named}
          choose={(each) => change({ ...crew, shift_leader: each === "" ? null : each })}
        />
      </fieldset>
    </li>
  );
}
