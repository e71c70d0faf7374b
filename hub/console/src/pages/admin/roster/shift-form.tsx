/** One shift of a roster that is being changed: folded up to a line, or open with its times, days and crews. */
import type { ComponentChildren } from "preact";
import type { RosterShift } from "../../../data/rosters";
import { t } from "../../../i18n";
import { DAY_MINUTES, lengthOf, minutesOf, WEEKDAYS } from "../../../logic/roster";
import { EMPTY_CREW, moved, put, without } from "../../../logic/roster-draft";
import { Choice } from "../../../parts/choice";
import { Icon } from "../../../parts/icons";
import { Said } from "../../../parts/said";
import { CrewForm } from "./crew-form";

const KINDS = ["every_day", "working_days", "days_off"] as const;

interface ShiftGiven {
  id: string;
  shift: RosterShift;
  index: number;
  open: boolean;
  named: readonly string[];
  toggle: () => void;
  change: (shift: RosterShift) => void;
  remove: () => void;
  focus: (...ids: string[]) => void;
}

/** What follows from the two times: over midnight, or a whole day. */
function Length({ shift }: { shift: RosterShift }) {
  const words = t.value.admin.roster;
  const length = lengthOf(shift);
  if (Number.isNaN(length)) return null;
  if (length === DAY_MINUTES) return <span class="panel-hint">{words.wholeDay}</span>;
  const over = minutesOf(shift.from) + length > DAY_MINUTES;
  return over ? <span class="panel-hint">{words.overnight}</span> : null;
}

function Facts({ id, shift, change }: Pick<ShiftGiven, "id" | "shift" | "change">) {
  const words = t.value.admin.roster;
  const weekdays = shift.weekdays ?? [];
  const { turn_days = 1 } = shift;
  const turnDays = Number.isNaN(turn_days) ? "" : turn_days;
  const field = (name: "name" | "from" | "until" | "first_day") => ({
    id: `${id}-${name}`,
    name: `${id}-${name}`,
    autocomplete: "off",
    value: shift[name],
    onInput: (event: Event) => change({ ...shift, [name]: (event.currentTarget as HTMLInputElement).value }),
  });
  const label = (name: "name" | "from" | "until" | "first_day", input: ComponentChildren) => (
    <label class="field" htmlFor={`${id}-${name}`}>
      {words.field[name]}
      {input}
    </label>
  );
  return (
    <>
      <div class="roster-facts">
        {label("name", <input type="text" {...field("name")} />)}
        {label("from", <input type="time" {...field("from")} />)}
        {label("until", <input type="time" {...field("until")} />)}
        {label("first_day", <input type="date" {...field("first_day")} />)}
        <label class="field">
          {words.field.turn_days}
          <input
            name={`${id}-turn`}
            type="number"
            min={1}
            max={366}
            value={turnDays}
            onInput={(event) => {
              const given = event.currentTarget.value;
              change({ ...shift, turn_days: given === "" ? Number.NaN : Number(given) });
            }}
          />
        </label>
        <Choice
          label={words.days}
          name={`${id}-days`}
          value={shift.days ?? "every_day"}
          choices={KINDS.map((each) => [each, words.dayKinds[each]] as const)}
          choose={(value) => change({ ...shift, days: KINDS.find((each) => each === value) ?? "every_day" })}
        />
      </div>
      <fieldset class="admin-week">
        <legend>{words.weekdays}</legend>
        {WEEKDAYS.map((day) => (
          <label key={day}>
            <input
              type="checkbox"
              checked={weekdays.includes(day)}
              onChange={() => {
                const next = WEEKDAYS.filter((each) => (each === day) !== weekdays.includes(each));
                change({ ...shift, weekdays: next });
              }}
            />
            {t.value.admin.silence.day[day]}
          </label>
        ))}
      </fieldset>
    </>
  );
}

export function ShiftForm({ id, shift, index, open, named, toggle, change, remove, focus }: ShiftGiven) {
  const words = t.value.admin.roster;
  const name = words.shiftNamed(shift.name.trim(), index + 1);
  const { crews } = shift;
  const crewsTo = (next: RosterShift["crews"]) => change({ ...shift, crews: next });
  const move = (at: number, step: number) => {
    crewsTo(moved(crews, at, step));
    const to = `${id}-c${at + step}`;
    focus(`${to}-${step < 0 ? "up" : "down"}`, `${to}-remove`);
  };
  return (
    <li class="roster-shift">
      <div class="roster-shift-head">
        <h5>
          <Said>{name}</Said> {shift.from}–{shift.until} <Length shift={shift} />
        </h5>
        <button
          type="button"
          id={`${id}-open`}
          class="button button-small"
          aria-expanded={open}
          onClick={toggle}
        >
          {open ? words.closeShift : words.openShift}
          <span class="visually-hidden">
            {" "}
            <bdi>{name}</bdi>
          </span>
        </button>
        <button type="button" id={`${id}-remove`} class="button button-small" onClick={remove}>
          {words.removeShift}
          <span class="visually-hidden">
            {" "}
            <bdi>{name}</bdi>
          </span>
        </button>
      </div>
      {open && (
        <>
          <Facts id={id} shift={shift} change={change} />
          <ol class="roster-crews">
            {crews.map((crew, at) => (
              <CrewForm
                key={at}
                id={`${id}-c${at}`}
                crew={crew}
                index={at}
                of={crews.length}
                named={named}
                change={(next) => crewsTo(put(crews, at, next))}
                move={(step) => move(at, step)}
                remove={() => {
                  crewsTo(without(crews, at));
                  focus(`${id}-c${Math.max(0, at - 1)}-remove`, `${id}-add`);
                }}
                focus={focus}
              />
            ))}
          </ol>
          <button
            type="button"
            id={`${id}-add`}
            class="button button-small"
            onClick={() => {
              crewsTo([...crews, EMPTY_CREW]);
              focus(`${id}-c${crews.length}-add-choice`, `${id}-c${crews.length}-add`);
            }}
          >
            <Icon name="plus" />
            {words.addCrew}
          </button>
        </>
      )}
    </li>
  );
}
