import { useState } from "react";
import { texts } from "../../texts";
import { useChat, useChatState } from "../page/chat_context";
import { goTo } from "../page/page_address";
import { AvatarWithPresence } from "../people/avatar_with_presence";
import { usePeople } from "../people/use_people";
import "./start_people.css";

const SHOWN_MAX = 4;
/** The people among whom they are chosen: as many as the server returns at once. */
const FOUND_MAX = 100;

/** A few people to whom a user without conversations can write. */
export function StartPeople() {
  const { people: others } = useChat();
  const myId = useChatState((state) => state.me.id);
  const [problem, setProblem] = useState("");
  const { people } = usePeople("", FOUND_MAX);
  // Those with a picture first.
  const shown = people
    .filter(({ id }) => id !== myId)
    .sort((one, other) => Number(other.avatar !== undefined) - Number(one.avatar !== undefined))
    .slice(0, SHOWN_MAX);
  if (shown.length === 0) return null;
  const talk = (id: string): void => {
    setProblem("");
    others.openDirect(id).then(goTo, (error: Error) => setProblem(error.message));
  };
  return (
    <section className="start-people" aria-label={texts.places.starts.people}>
      <div className="start-faces">
        {shown.map(({ id, name, avatar }) => (
          <button key={id} type="button" aria-label={texts.messageTo(name)} onClick={() => talk(id)}>
            <AvatarWithPresence userId={id} name={name} picture={avatar} />
            <bdi>{name}</bdi>
          </button>
        ))}
      </div>
      <p className="problem" role="alert">
        {problem}
      </p>
    </section>
  );
}
