import type { Conversation } from "@talkwire/client";
import type { LinkLimits } from "@talkwire/client/parts";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { texts } from "../../texts";
import { nameOf } from "../components/conversation_names";
import { Dialog } from "../components/dialog";
import { FormButtons } from "../components/form_buttons";
import { useChat } from "../page/chat_context";
import { copyText } from "../page/clipboard";

const DAY_MS = 24 * 60 * 60 * 1000;
const DAYS = [1, 7, 30, 0] as const;
const USUAL_DAYS = 7;
const USES = [0, 1, 10, 100] as const;

/** Creates an invitation link for a group or a channel. It is shown once. */
export function InviteDialog({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const { invitations } = useChat();
  const [created, setCreated] = useState<Created | null>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const limits = limitsOf(new FormData(event.currentTarget));
    setBusy(true);
    setProblem("");
    try {
      setCreated({ link: await invitations.create(conversation.id, limits), maxUses: limits.maxUses });
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title={texts.invitation.inviteTo(nameOf(conversation))} onClose={onClose}>
      {created === null ? (
        <form onSubmit={(event) => void submit(event)}>
          <label>
            {texts.invitation.expires}
            <select name="days" defaultValue={USUAL_DAYS}>
              {DAYS.map((days) => (
                <option key={days} value={days}>
                  {days === 0 ? texts.invitation.never : texts.invitation.days(days)}
                </option>
              ))}
            </select>
          </label>
          <label>
            {texts.invitation.uses}
            <select name="uses" defaultValue={0}>
              {USES.map((uses) => (
                <option key={uses} value={uses}>
                  {uses === 0 ? texts.invitation.anyNumber : texts.invitation.people(uses)}
                </option>
              ))}
            </select>
          </label>
          <FormButtons problem={problem} action={texts.invitation.create} disabled={busy} onClose={onClose} />
        </form>
      ) : (
        <InvitationLink {...created} />
      )}
    </Dialog>
  );
}

interface Created {
  link: string;
  /** Null: any number of people. */
  maxUses: number | null;
}

function InvitationLink({ link, maxUses }: Created) {
  const chat = useChat();
  const copy = useRef<HTMLButtonElement>(null);
  // The button that was pressed is gone.
  useEffect(() => copy.current?.focus(), []);
  return (
    <>
      <label>
        {texts.invitation.link}
        <input readOnly value={link} onFocus={(event) => event.currentTarget.select()} />
      </label>
      <p className="hint">{texts.invitation.shownOnce(maxUses)}</p>
      <div className="buttons">
        <button ref={copy} type="button" className="primary" onClick={() => void copyText(chat, link)}>
          {texts.copyLink}
        </button>
      </div>
    </>
  );
}

function limitsOf(form: FormData): LinkLimits {
  const days = Number(form.get("days"));
  const uses = Number(form.get("uses"));
  return { forMs: days === 0 ? null : days * DAY_MS, maxUses: uses === 0 ? null : uses };
}
