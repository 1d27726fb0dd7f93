import type { FormEvent } from "react";
import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";
import { useChat, useChatState } from "../page/chat_context";
import { useSaving } from "./use_saving";

/** Says what deleting the account means, and asks for the password. */
export function DeleteAccountDialog({ onClose }: { onClose: () => void }) {
  const chat = useChat();
  const me = useChatState((state) => state.me);
  const saving = useSaving();
  const { hasPassword } = chat.profile;
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const password = new FormData(event.currentTarget).get("password");
    void saving.save(async () => {
      await chat.profile.deleteAccount(password === null ? undefined : String(password));
      chat.endSession("erased");
    });
  };
  return (
    <Dialog title={texts.settings.deleteQuestion} onClose={onClose}>
      <form onSubmit={submit}>
        <ul className="consequences">
          {texts.settings.deleteConsequences.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
        {hasPassword && (
          <>
            {/* Tells password managers which account the password belongs to. */}
            <input type="email" autoComplete="username" value={me.email ?? ""} readOnly hidden />
            <label>
              {texts.settings.currentPassword}
              <input name="password" type="password" required autoComplete="current-password" />
            </label>
          </>
        )}
        <FormButtons
          problem={saving.problem}
          action={texts.settings.deleteAction}
          disabled={saving.busy}
          isDangerous
          onClose={onClose}
        />
      </form>
    </Dialog>
  );
}
