import { useEffect, useState } from "react";
import type { Chat } from "../../chat/chat";
import { texts } from "../../texts";
import { Dialog } from "../components/dialog";
import { useChat } from "../page/chat_context";
import { goTo } from "../page/page_address";
import { isRefusal, nameOfInvited } from "./use_invited_to";

interface Props {
  code: string;
  /** Whether the user has joined by registering. */
  hasJoined: boolean;
  onOver: () => void;
}

/** What happens when a signed-in user has opened an invitation link. */
export default function InvitationLink({ code, hasJoined, onOver }: Props) {
  const { invitations } = useChat();
  /** The title of the question; null if there is nothing to join, undefined until the server has answered. */
  const [title, setTitle] = useState<string | null | undefined>(hasJoined ? null : undefined);
  const [isOver, setIsOver] = useState(false);
  useEffect(() => {
    if (hasJoined) return;
    invitations.conversationsOf(code).then(
      (found) => {
        const names = found.filter(({ isMember }) => !isMember).map(nameOfInvited);
        setTitle(names.length === 0 ? null : texts.places.joinOne(names.join(", ")));
      },
      // Joining shows any other problem.
      (error: unknown) => (isRefusal(error) ? setIsOver(true) : setTitle(texts.invitation.joinTitle)),
    );
  }, [invitations, code, hasJoined]);
  if (isOver) return <InvitationOver onClose={onOver} />;
  if (title === undefined) return null;
  if (title === null) return <AcceptInvitation code={code} onDone={onOver} />;
  return <JoinDialog code={code} title={title} onRefused={() => setIsOver(true)} onClose={onOver} />;
}

function InvitationOver({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={texts.invitation.over} onClose={onClose}>
      <p>{texts.invitation.overHint}</p>
      <div className="buttons">
        <button type="button" className="primary" onClick={onClose}>
          {texts.invitation.toConversations}
        </button>
      </div>
    </Dialog>
  );
}

interface JoinProps {
  code: string;
  title: string;
  /** Called when nobody can join with the invitation any more. */
  onRefused: () => void;
  onClose: () => void;
}

/** Asks whether to join, and opens the joined conversation. */
function JoinDialog({ code, title, onRefused, onClose }: JoinProps) {
  const chat = useChat();
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const join = async (): Promise<void> => {
    setBusy(true);
    try {
      await acceptInvitation(chat, code);
      onClose();
    } catch (error) {
      if (isRefusal(error)) return onRefused();
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} focusOn=".primary" onClose={onClose}>
      <p>{texts.invitation.joinHint}</p>
      <div className="buttons">
        <p className="problem" role="alert">
          {problem}
        </p>
        <button type="button" onClick={onClose}>
          {texts.invitation.notNow}
        </button>
        <button type="button" className="primary" disabled={busy} onClick={() => void join()}>
          {texts.places.join}
        </button>
      </div>
    </Dialog>
  );
}

/** Opens the conversation of which the user is a member, also by having registered with the invitation. */
function AcceptInvitation({ code, onDone }: { code: string; onDone: () => void }) {
  const chat = useChat();
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs once, whatever `onDone` is
  useEffect(() => {
    // The user has already joined; a failure means only that no conversation is opened.
    acceptInvitation(chat, code).then(onDone, onDone);
  }, [chat, code]);
  return null;
}

async function acceptInvitation(chat: Chat, code: string): Promise<void> {
  const ids = await chat.invitations.accept(code);
  await Promise.all(ids.map((id) => chat.conversations.load(id)));
  if (ids[0] !== undefined) goTo(ids[0]);
}
