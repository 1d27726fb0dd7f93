import type { Conversation } from "@talkwire/client";
import { useState } from "react";
import { texts } from "../../texts";
import { Switch } from "../components/switch";
import { useChat } from "../page/chat_context";

/** Whether the conversation is a favourite, and whether it is archived. */
export function ListPlace({
  conversation: { id, favourite = false, archived = false },
}: {
  conversation: Conversation;
}) {
  const { conversations } = useChat();
  const [problem, setProblem] = useState("");
  const change = (wanted: { favourite: boolean } | { archived: boolean }): void => {
    setProblem("");
    conversations.prefer(id, wanted).catch((error: Error) => setProblem(error.message));
  };
  return (
    <section className="alerts" aria-label={texts.places.inList}>
      <h3>{texts.places.inList}</h3>
      <Switch label={texts.places.isFavourite} checked={favourite} onChange={() => change({ favourite: !favourite })} />
      <Switch label={texts.places.archivedSwitch} checked={archived} onChange={() => change({ archived: !archived })} />
      <p className="hint">{texts.places.archiveHint}</p>
      <p className="problem" role="alert">
        {problem}
      </p>
    </section>
  );
}
