import type { Conversation, Member, Restriction } from "@talkwire/client";
import { type MemberAction, memberActions, roleOf } from "@talkwire/client/parts";
import { Ellipsis, VolumeX } from "lucide-react";
import { useState } from "react";
import { texts } from "../../texts";
import { fullTime } from "../../time_format";
import { Confirmation } from "../components/confirmation";
import { MenuButton } from "../components/menu";
import type { MenuAction } from "../components/menu_action";
import { useChat, useChatState } from "../page/chat_context";
import { AvatarWithPresence, usePresence } from "../people/avatar_with_presence";
import { PersonButton } from "../people/person_button";
import { Handle, useNamesakeHandle } from "../people/person_handle";
import { RestrictDialog } from "./restrict_dialog";

interface Props {
  conversation: Conversation;
  member: Member;
  mute: Restriction | undefined;
  /** Called after a member was muted or unmuted, and when somebody else is known to have done it. */
  onChanged: () => void;
}

/** A member, with a menu of the reader's possible actions. */
export function MemberRow({ conversation, member, mute, onChanged }: Props) {
  const chat = useChat();
  const me = useChatState((state) => state.me);
  const [asked, setAsked] = useState<MemberAction | null>(null);
  const { id } = conversation;
  const { userId, name, role } = member;
  const handle = useNamesakeHandle(userId, name);
  const status = usePresence(userId)?.text;
  const fullName = handle === undefined ? name : `${name} @${handle}`;
  const allowed = memberActions(conversation, roleOf(conversation, me), member, userId === me.id);

  const attempt = (action: () => Promise<void>): void => {
    action().then(onChanged, (error: Error) => chat.showNotice(error.message));
  };
  const actions: Record<MemberAction, () => void> = {
    makeAdmin: () => attempt(() => chat.moderation.giveRole(id, userId, "admin")),
    makeMember: () => attempt(() => chat.moderation.giveRole(id, userId, "member")),
    handOver: () => setAsked("handOver"),
    mute: () => (mute === undefined ? setAsked("mute") : attempt(() => chat.moderation.lift(mute))),
    remove: () => setAsked("remove"),
    ban: () => setAsked("ban"),
  };
  const labels = { ...texts.places.memberActions, ...(mute && { mute: texts.places.unmuteMember }) };
  const menu = (): MenuAction[] =>
    allowed.map((action) => ({
      label: labels[action],
      isDangerous: action === "remove" || action === "ban",
      onClick: actions[action],
    }));
  return (
    <div className="member">
      <PersonButton userId={userId} name={name} className="member-who">
        <AvatarWithPresence userId={userId} name={name} picture={member.avatar} />
        <span className="member-says">
          <span className="name cut-line">
            <bdi>{name}</bdi> <Handle handle={handle} />{" "}
            {userId === me.id && <span className="detail">({texts.you})</span>}
          </span>
          {status && (
            <span className="member-status" title={status}>
              <bdi>{status}</bdi>
            </span>
          )}
        </span>
      </PersonButton>
      {mute && (
        <VolumeX
          className="icon detail"
          role="img"
          aria-label={mute.until ? texts.places.mutedUntil(fullTime(mute.until)) : texts.places.isMuted}
        />
      )}
      {member.kind === "agent" && <span className="badge">{texts.agent}</span>}
      {role !== "member" && <span className="badge">{texts.places.roles[role]}</span>}
      {allowed.length > 0 && <MenuButton icon={Ellipsis} label={texts.places.memberMenu(fullName)} actions={menu} />}
      {(asked === "mute" || asked === "ban") && (
        <RestrictDialog
          kind={asked}
          conversationId={id}
          userId={userId}
          name={fullName}
          onChanged={onChanged}
          onClose={() => setAsked(null)}
        />
      )}
      {asked === "remove" && (
        <Confirmation
          title={texts.places.removeQuestion(fullName)}
          action={texts.places.memberActions.remove}
          onConfirm={() => chat.moderation.remove(id, userId)}
          onClose={() => setAsked(null)}
        >
          {texts.places.removing(conversation.public)} {allowed.includes("ban") && texts.places.banInstead}
        </Confirmation>
      )}
      {asked === "handOver" && (
        <Confirmation
          title={texts.places.handOverQuestion(fullName)}
          action={texts.places.memberActions.handOver}
          onConfirm={() => chat.moderation.giveRole(id, userId, "owner")}
          onClose={() => setAsked(null)}
        >
          {texts.places.handingOver}
        </Confirmation>
      )}
    </div>
  );
}
