import type { Conversation, Restriction } from "@talkwire/client";
import { useState } from "react";
import { texts } from "../../texts";
import { fullTime } from "../../time_format";
import { Avatar } from "../components/avatar";
import { useChat } from "../page/chat_context";
import { useUser } from "../people/use_user";
import { useRestrictions } from "./use_restrictions";

/** The banned users, for members who may unban them. */
export function BannedList({ conversation }: { conversation: Conversation }) {
  const { moderation } = useChat();
  const [banned, reload] = useRestrictions(conversation, "ban");
  const [problem, setProblem] = useState("");
  if (banned.length === 0) return null;
  const lift = (ban: Restriction): void => {
    setProblem("");
    moderation.lift(ban).then(reload, (error: Error) => setProblem(error.message));
  };
  return (
    <section className="members" aria-label={texts.places.banned}>
      <h3>{texts.places.banned}</h3>
      <ul>
        {banned.map((ban) => (
          <Banned key={ban.userId} ban={ban} onLift={() => lift(ban)} />
        ))}
      </ul>
      <p className="problem" role="alert">
        {problem}
      </p>
    </section>
  );
}

function Banned({ ban: { userId, until, reason }, onLift }: { ban: Restriction; onLift: () => void }) {
  const user = useUser(userId);
  const name = user?.name ?? userId;
  const details = [until && texts.places.until(fullTime(until)), reason].filter(Boolean).join(" · ");
  return (
    <li className="member">
      <Avatar id={userId} name={name} picture={user?.avatar} />
      <span className="name">{name}</span>
      <button type="button" className="quiet" aria-label={texts.places.unbanOne(name)} onClick={onLift}>
        {texts.places.unban}
      </button>
      {details !== "" && <span className="detail below">{details}</span>}
    </li>
  );
}
