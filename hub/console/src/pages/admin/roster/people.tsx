/** Choosing people of the hub for a roster, and what they are called. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Person } from "../../../data/admin";
import { t } from "../../../i18n";

/** Who can be named; null for those whom the hub does not tell: they type sign-in names. */
export const People = createContext<readonly Person[] | null>(null);

/** What somebody is called: name and sign-in name. */
export function useNames(): (username: string) => string {
  const people = useContext(People);
  return (username) => {
    const known = people?.find((each) => each.username === username);
    return t.value.admin.roster.person(known?.display_name || username, username);
  };
}

/** The name alone, where there is little room. */
export function useShortNames(): (username: string) => string {
  const people = useContext(People);
  return (username) => people?.find((each) => each.username === username)?.display_name || username;
}

interface PersonChoiceGiven {
  label: string;
  name: string;
  value: string;
  /** What choosing nobody is called. */
  nobody: string;
  /** Who cannot be chosen. */
  except?: readonly string[];
  /** Who is offered beside the people of the hub: those that a roster names already. */
  also?: readonly string[];
  choose: (username: string) => void;
}

export function PersonChoice({
  label,
  name,
  value,
  nobody,
  except = [],
  also = [],
  choose,
}: PersonChoiceGiven) {
  const people = useContext(People);
  const called = useNames();
  const active = (people ?? []).filter((each) => !each.disabled_at).map((each) => each.username);
  const offered = [...new Set([...active, ...also, value])].filter(
    (each) => each !== "" && (each === value || !except.includes(each)),
  );
  offered.sort((a, b) => called(a).localeCompare(called(b)));
  if (people === null) {
    const list = `${name}-known`;
    return (
      <label class="field">
        {label}
        <input
          name={name}
          value={value}
          placeholder={nobody}
          list={list}
          autocomplete="off"
          onInput={(event) => choose(event.currentTarget.value.trim())}
        />
        <datalist id={list}>
          {offered.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      </label>
    );
  }
  const off = (username: string) => people.some((each) => each.username === username && each.disabled_at);
  return (
    <label class="field">
      {label}
      <select name={name} value={value} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="">{nobody}</option>
        {offered.map((each) => (
          <option key={each} value={each}>
            {called(each)}
            {off(each) ? ` · ${t.value.admin.roster.personOff}` : ""}
          </option>
        ))}
      </select>
    </label>
  );
}
