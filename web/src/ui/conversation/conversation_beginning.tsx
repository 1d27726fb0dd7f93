import { own } from "@talkwire/client/parts";
import { texts } from "../../texts";
import { dateOf } from "../../time_format";
import { LinkedText } from "../markdown/linked_text";
import { useChatState } from "../page/chat_context";
import { ConversationHead } from "../timeline/conversation_head";
import { GroupFaces } from "./group_faces";
import { AddDescriptionButton, AddPeopleButton, useMayManage } from "./place_dialogs";
import "./conversation_beginning.css";

/** What is above the first message of a conversation: which one it is, since when, and who is in it. */
export function ConversationBeginning({ id }: { id: string }) {
  const conversation = useChatState((state) => own(state.conversations, id));
  const mayManage = useMayManage(conversation);
  if (conversation === undefined) return null;
  const { kind, createdAt, description } = conversation;
  return (
    <section className="conversation-head conversation-beginning">
      <ConversationHead conversation={conversation} />
      <p>{texts.beginnings[kind](dateOf(createdAt))}</p>
      {description !== undefined && (
        <p className="beginning-description" dir="auto">
          <LinkedText text={description} />
        </p>
      )}
      {kind === "group" && <GroupFaces conversation={conversation} />}
      {mayManage && (
        <div className="buttons">
          <AddPeopleButton />
          {description === undefined && <AddDescriptionButton />}
        </div>
      )}
    </section>
  );
}
