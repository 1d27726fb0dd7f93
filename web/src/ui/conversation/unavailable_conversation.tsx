import type { Conversation } from "@talkwire/client";
import { Hash, Unlink } from "lucide-react";
import { useEffect, useState } from "react";
import { texts } from "../../texts";
import { nameOf } from "../components/conversation_names";
import { EmptyState } from "../components/empty_state";
import { useChat } from "../page/chat_context";
import { goTo } from "../page/page_address";

/** Explains why a linked conversation cannot be shown, and offers to join a public one. */
export default function UnavailableConversation({ id }: { id: string }) {
  const { conversations, moderation } = useChat();
  const [found, setFound] = useState<Conversation | null | undefined>();
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let current = true;
    const find = async (): Promise<void> => {
      // It may be a conversation that was not listed yet: then it opens.
      await conversations.load(id);
      const { items } = await moderation.findPublic(id).catch(() => ({ items: [] }));
      if (current) setFound(items.find((each) => each.id === id) ?? null);
    };
    void find();
    return () => {
      current = false;
    };
  }, [conversations, moderation, id]);
  const join = (): void => {
    setProblem("");
    moderation
      .join(id)
      .then(() => conversations.load(id))
      // Follows the link again, which loads the messages.
      .then(
        () => goTo(id),
        (error: Error) => setProblem(error.message),
      );
  };
  if (found === undefined) return <p>{texts.loading}</p>;
  return (
    <>
      <div role="status">
        {found === null ? (
          <EmptyState icon={Unlink} title={texts.unavailable} />
        ) : (
          <EmptyState
            icon={Hash}
            title={texts.notJoined[found.kind === "group" ? "group" : "channel"](nameOf(found))}
          />
        )}
      </div>
      <div className="buttons">
        {found !== null && (
          <button type="button" className="primary" onClick={join}>
            {texts.places.join}
          </button>
        )}
        <a href="#/">{texts.back}</a>
      </div>
      <p className="problem" role="alert">
        {problem}
      </p>
    </>
  );
}
