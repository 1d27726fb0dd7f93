import type { Conversation } from "@talkwire/client";
import { may, roleOf } from "@talkwire/client/parts";
import { Link, LogOut, PencilLine, Trash2, UserPlus } from "lucide-react";
import { useState } from "react";
import { texts } from "../../texts";
import { dateOf } from "../../time_format";
import { ConversationAlerts } from "../alerts/conversation_alerts";
import { Confirmation } from "../components/confirmation";
import { nameOf } from "../components/conversation_names";
import { PlaceAvatar } from "../components/kind_icon";
import { LinkedText } from "../markdown/linked_text";
import { useChat, useChatState } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";
import { ActionTiles, Tile } from "./action_tiles";
import { BannedList } from "./banned_list";
import { EditConversationDialog } from "./edit_conversation_dialog";
import { InvitationList } from "./invitation_list";
import { InviteDialog } from "./invite_dialog";
import LeaveDialog from "./leave_dialog";
import { ListPlace } from "./list_place";
import { MemberList } from "./member_list";
import "./details_panel.css";

const AddPeople = lazyPart(() => import("./add_people"));

type Open = "rules" | "add" | "invite" | "leave" | "delete";

/** The details of a group or a channel. Only what the reader's role allows is offered. */
export function GroupDetails({ conversation }: { conversation: Conversation }) {
  const me = useChatState((state) => state.me);
  const mayDelete = useChatState((state) => state.rights.deleteConversation);
  const [open, setOpen] = useState<Open | null>(null);
  const role = roleOf(conversation, me);
  const { id, kind, members } = conversation;
  const manages = may(kind, role, "manage");
  const leaves = may(kind, role, "leave");
  const deletes = mayDelete && may(kind, role, "delete");
  return (
    <>
      <About conversation={conversation} />
      <ActionTiles conversation={conversation}>
        {manages ? (
          <>
            <Tile
              icon={UserPlus}
              label={texts.places.add}
              word={texts.places.tiles.add}
              onClick={() => setOpen("add")}
            />
            <Tile
              icon={Link}
              label={texts.invitation.create}
              word={texts.places.tiles.link}
              onClick={() => setOpen("invite")}
            />
            <Tile icon={PencilLine} label={texts.places.change} onClick={() => setOpen("rules")} />
          </>
        ) : undefined}
      </ActionTiles>
      {members && <MemberList key={`members of ${id}`} conversation={conversation} members={members} />}
      {manages && <InvitationList key={`links to ${id}`} conversation={conversation} isCreating={open === "invite"} />}
      {manages && <BannedList key={`banned from ${id}`} conversation={conversation} />}
      <ListPlace key={`list ${id}`} conversation={conversation} />
      <ConversationAlerts key={id} conversation={conversation} />
      {(leaves || deletes) && (
        <div className="last-rows">
          {leaves && (
            <button type="button" className="danger last-row" onClick={() => setOpen("leave")}>
              <LogOut className="icon" aria-hidden="true" /> {texts.places.leave}
            </button>
          )}
          {deletes && (
            <button type="button" className="danger last-row" onClick={() => setOpen("delete")}>
              <Trash2 className="icon" aria-hidden="true" /> {texts.places.delete}
            </button>
          )}
        </div>
      )}
      <Overlay open={open} conversation={conversation} onClose={() => setOpen(null)} />
    </>
  );
}

function About({ conversation }: { conversation: Conversation }) {
  const { kind, createdAt, history, topic, description, slowModeS = 0 } = conversation;
  const name = nameOf(conversation);
  const labels = conversation.public && kind !== "direct" ? texts.places.publicKinds[kind] : texts.kinds[kind];
  return (
    <div className="person">
      <PlaceAvatar conversation={conversation} />
      <h3>{name}</h3>
      <p className="how">
        {labels} · {texts.places.since(dateOf(createdAt))}
      </p>
      {topic !== undefined && (
        <p className="topic" dir="auto">
          <LinkedText text={topic} />
        </p>
      )}
      {description !== undefined && (
        <p className="description" dir="auto">
          <LinkedText text={description} />
        </p>
      )}
      {history === "from-join" && <p className="how">{texts.places.fromJoin}</p>}
      {slowModeS > 0 && <p className="how">{texts.places.slow(slowModeS)}</p>}
    </div>
  );
}

function Overlay({
  open,
  conversation,
  onClose,
}: {
  open: Open | null;
  conversation: Conversation;
  onClose: () => void;
}) {
  const { moderation } = useChat();
  switch (open) {
    case "rules":
      return <EditConversationDialog conversation={conversation} onClose={onClose} />;
    case "add":
      return <AddPeople conversation={conversation} onClose={onClose} />;
    case "invite":
      return <InviteDialog conversation={conversation} onClose={onClose} />;
    case "leave":
      return <LeaveDialog conversation={conversation} onClose={onClose} />;
    case "delete":
      return (
        <Confirmation
          title={texts.places.deleteQuestion(nameOf(conversation))}
          action={texts.places.delete}
          typed={nameOf(conversation)}
          onConfirm={() => moderation.delete(conversation.id)}
          onClose={onClose}
        >
          {texts.places.deleting}
        </Confirmation>
      );
    default:
      return null;
  }
}
