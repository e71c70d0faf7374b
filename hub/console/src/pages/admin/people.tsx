/** People who sign in: what they may do, where, and whether they may come in. */
import { useSignal } from "@preact/signals";
import {
  addPerson,
  editPerson,
  newPassword,
  type Person,
  type Profile,
  readPeople,
  switchPerson,
} from "../../data/admin";
import { ROLES, type Role } from "../../data/types";
import { t } from "../../i18n";
import { Failure, Shown, useAsked, useDoing } from "../../parts/asked";
import { Dialog } from "../../parts/dialog";
import { Said } from "../../parts/said";
import { Scroll } from "../../parts/scroll";
import { SearchBox } from "../../parts/search-box";
import { useVirtual } from "../../parts/virtual";

const TEXTS = ["display_name", "area", "unit", "phone"] as const;

function Editor({
  person,
  close,
  done,
}: {
  person: Person | null;
  close: () => void;
  done: (password?: { username: string; password: string }) => void;
}) {
  const words = t.value.admin;
  const username = useSignal(person?.username ?? "");
  const role = useSignal<Role>(person?.role ?? "duty_officer");
  const language = useSignal(person?.language ?? "");
  const texts = useSignal(Object.fromEntries(TEXTS.map((each) => [each, person?.[each] ?? ""])));
  const { busy, error, run } = useDoing();
  const ofUnit = role.value === "unit" || role.value === "handler";
  const save = () =>
    run(async () => {
      const profile: Profile = { display_name: texts.value.display_name || username.value, role: role.value };
      for (const each of ["area", "phone"] as const) {
        const given = texts.value[each]?.trim();
        if (given) profile[each] = given;
      }
      if (ofUnit && texts.value.unit) profile.unit = texts.value.unit.trim();
      if (language.value) profile.language = language.value;
      if (person !== null) {
        await editPerson(person.username, profile, person.version);
        done();
        return;
      }
      const made = await addPerson(username.value.trim(), profile);
      done(!made.password ? undefined : { username: username.value, password: made.password });
    });
  return (
    <Dialog title={person === null ? words.people.add : words.people.edit} close={close}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <label class="field">
          {words.people.username}
          <input
            name="username"
            autocomplete="off"
            value={username.value}
            disabled={person !== null}
            onInput={(event) => {
              username.value = event.currentTarget.value;
            }}
          />
        </label>
        <label class="field">
          {words.people.role}
          <select
            name="role"
            value={role.value}
            onChange={(event) => {
              role.value = event.currentTarget.value as Role;
            }}
          >
            {ROLES.map((each) => (
              <option key={each} value={each}>
                {t.value.role[each]}
              </option>
            ))}
          </select>
        </label>
        {TEXTS.filter((each) => each !== "unit" || ofUnit).map((each) => (
          <label key={each} class="field">
            {words.people[each]}
            <input
              name={each}
              autocomplete="off"
              value={texts.value[each] ?? ""}
              onInput={(event) => {
                texts.value = { ...texts.value, [each]: event.currentTarget.value };
              }}
            />
          </label>
        ))}
        <label class="field">
          {words.people.language}
          <select
            name="language"
            value={language.value}
            onChange={(event) => {
              language.value = event.currentTarget.value;
            }}
          >
            <option value="">{words.people.ofBrowser}</option>
            <option value="zh">中文</option>
            <option value="en">English</option>
          </select>
        </label>
        <Failure error={error.value} />
        <div class="dialog-buttons">
          <button type="submit" class="button button-primary" disabled={busy.value}>
            {words.save}
          </button>
          <button type="button" class="button" onClick={close}>
            {t.value.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** A row of the table, in pixels. */
const ROW_PX = 57;

function fits(person: Person, wanted: string): boolean {
  const texts = [person.username, person.display_name, person.area, person.unit, t.value.role[person.role]];
  return texts.some((each) => each?.toLowerCase().includes(wanted));
}

interface TableGiven {
  people: readonly Person[];
  busy: boolean;
  edit: (person: Person) => void;
  renew: (person: Person) => void;
  shut: (person: Person) => void;
}

function PeopleTable({ people, busy, edit, renew, shut }: TableGiven) {
  const words = t.value.admin;
  const view = useVirtual<HTMLTableSectionElement>(people.length, ROW_PX, true);
  return (
    <Scroll label={words.sections.people}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{words.people.username}</th>
            <th scope="col">{words.people.display_name}</th>
            <th scope="col">{words.people.role}</th>
            <th scope="col">{words.people.area}</th>
            <th scope="col">{words.people.unit}</th>
            <th scope="col">{words.people.phone}</th>
            <th scope="col">{words.change}</th>
          </tr>
        </thead>
        <tbody ref={view.list}>
          {view.before}
          {people.slice(view.from, view.to).map((person) => (
            <tr key={person.username} class={person.disabled_at ? "admin-off" : undefined}>
              <td>
                <Said class="number">{person.username}</Said>
                {person.disabled_at && <span class="tag tag-warning">{words.people.off}</span>}
              </td>
              <td>
                <Said>{person.display_name}</Said>
              </td>
              <td>{t.value.role[person.role] ?? person.role}</td>
              <td>
                <Said class="number">{person.area ?? words.people.wholeTree}</Said>
              </td>
              <td>
                <Said class="number">{person.unit ?? ""}</Said>
              </td>
              <td>
                <Said class="number">{person.phone ?? ""}</Said>
              </td>
              <td class="admin-row-tools">
                <button type="button" class="button button-small" onClick={() => edit(person)}>
                  {words.people.edit}
                  <span class="visually-hidden"> {person.username}</span>
                </button>
                <button
                  type="button"
                  class="button button-small"
                  disabled={busy}
                  onClick={() => renew(person)}
                >
                  {words.people.newPassword}
                  <span class="visually-hidden"> {person.username}</span>
                </button>
                <button
                  type="button"
                  class="button button-small"
                  disabled={busy}
                  onClick={() => shut(person)}
                >
                  {person.disabled_at ? words.people.letIn : words.people.shutOut}
                  <span class="visually-hidden"> {person.username}</span>
                </button>
              </td>
            </tr>
          ))}
          {view.after}
        </tbody>
      </table>
    </Scroll>
  );
}

export function PeopleSection() {
  const words = t.value.admin;
  const asked = useAsked(readPeople);
  const edited = useSignal<{ person: Person | null } | null>(null);
  const search = useSignal("");
  const told = useSignal<{ username: string; password: string } | null>(null);
  const { busy, error, run } = useDoing();
  const shut = (person: Person) =>
    run(async () => {
      await switchPerson(person.username, person.disabled_at !== undefined);
      await asked.again();
    });
  const renew = (person: Person) =>
    run(async () => {
      const made = await newPassword(person.username);
      if (made.password) told.value = { username: person.username, password: made.password };
    });
  return (
    <section>
      <div class="admin-tools">
        <button
          type="button"
          class="button button-small"
          onClick={() => {
            edited.value = { person: null };
          }}
        >
          {words.people.add}
        </button>
      </div>
      <Failure error={error.value} />
      <Shown asked={asked}>
        {(people) => {
          const wanted = search.value.trim().toLowerCase();
          const found = people.filter((each) => fits(each, wanted));
          return (
            <>
              <div class="admin-tools">
                <SearchBox search={search} />
                <span role="status">{words.shown(found.length, people.length)}</span>
              </div>
              <PeopleTable
                people={found}
                busy={busy.value}
                edit={(person) => {
                  edited.value = { person };
                }}
                renew={renew}
                shut={shut}
              />
            </>
          );
        }}
      </Shown>
      {edited.value !== null && (
        <Editor
          person={edited.value.person}
          close={() => {
            edited.value = null;
          }}
          done={(made) => {
            edited.value = null;
            if (made) told.value = made;
            void asked.again();
          }}
        />
      )}
      {told.value !== null && (
        <Dialog
          title={words.people.passwordOf(told.value.username)}
          close={() => {
            told.value = null;
          }}
        >
          <p>{words.people.once}</p>
          <p class="admin-password">
            <code>{told.value.password}</code>
          </p>
          <div class="dialog-buttons">
            <button
              type="button"
              class="button button-primary"
              onClick={() => {
                told.value = null;
              }}
            >
              {t.value.close}
            </button>
          </div>
        </Dialog>
      )}
    </section>
  );
}
