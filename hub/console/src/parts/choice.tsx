/** One of a few, with its label. */
interface ChoiceGiven<T extends string | number> {
  label: string;
  name: string;
  value: T;
  choices: (readonly [T, string])[];
  choose: (value: string) => void;
}

export function Choice<T extends string | number>({ label, name, value, choices, choose }: ChoiceGiven<T>) {
  return (
    <label class="field">
      {label}
      <select name={name} value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {choices.map(([each, words]) => (
          <option key={each} value={each}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}
