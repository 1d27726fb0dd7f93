import { type FormEvent, useState } from "react";
import { texts } from "../../texts";
import { useChat, useChatState } from "../page/chat_context";
import { DeleteAccountDialog } from "./delete_account_dialog";
import { SaveStatus } from "./save_status";
import { useSaving } from "./use_saving";

/** The reader's password and data. */
export function AccountSettings() {
  const { profile } = useChat();
  const me = useChatState((state) => state.me);
  return (
    <>
      {!profile.isAccount && (
        <section>
          <p className="hint">{texts.settings.noAccount}</p>
        </section>
      )}
      {profile.isAccount && me.email && (
        <section>
          <h3>{texts.email}</h3>
          <p>{me.email}</p>
        </section>
      )}
      {profile.hasPassword && <Password />}
      {profile.isAccount && !profile.hasPassword && (
        <section>
          <p className="hint">{texts.byProvider.account}</p>
        </section>
      )}
      <Data />
    </>
  );
}

function Password() {
  const { profile } = useChat();
  const me = useChatState((state) => state.me);
  const saving = useSaving();
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    const change = () => profile.changePassword(String(given.get("current")), String(given.get("new")));
    if (await saving.save(change)) form.reset();
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <h3>{texts.settings.changePassword}</h3>
      {/* Tells password managers which account the passwords belong to. */}
      <input type="email" autoComplete="username" value={me.email ?? ""} readOnly hidden />
      <label>
        {texts.settings.currentPassword}
        <input name="current" type="password" required autoComplete="current-password" />
      </label>
      <label>
        {texts.settings.newPassword}
        <input name="new" type="password" required minLength={8} autoComplete="new-password" />
      </label>
      <p className="hint">{texts.settings.passwordHint}</p>
      <div className="buttons">
        <SaveStatus saving={saving} />
        <button type="submit" className="primary" disabled={saving.busy}>
          {texts.settings.changePassword}
        </button>
      </div>
    </form>
  );
}

function Data() {
  const { profile } = useChat();
  const exporting = useSaving();
  const [isDeleting, setDeleting] = useState(false);
  return (
    <>
      <section>
        <h3>{texts.settings.exportTitle}</h3>
        <p className="hint">{texts.settings.exportHint}</p>
        <div className="buttons">
          <p className="problem" role="alert">
            {exporting.problem}
          </p>
          <button
            type="button"
            disabled={exporting.busy}
            onClick={() => void exporting.save(() => profile.exportData())}
          >
            {texts.settings.exportAction}
          </button>
        </div>
      </section>
      <section>
        <h3>{texts.settings.deleteTitle}</h3>
        <p className="hint">{texts.settings.deleteHint}</p>
        <div className="buttons">
          <button type="button" className="danger" aria-haspopup="dialog" onClick={() => setDeleting(true)}>
            {texts.settings.deleteAction}
          </button>
        </div>
      </section>
      {isDeleting && <DeleteAccountDialog onClose={() => setDeleting(false)} />}
    </>
  );
}
