import { type Conversation as DeskConversation, RequestError, type Team } from "@talkwire/client";
import { useConversation, useDesk, useTalkwire, useTeams } from "@talkwire/react";
import { useEffect, useState } from "react";
import { Conversation, show } from "../chat";

function DeskPage() {
  const teams = useTeams();
  if (teams?.length === 0) return <p>You are in no team.</p>;
  return teams?.map((team) => <Desk key={team.id} team={team} />);
}

function Desk({ team }: { team: Team }) {
  const { conversations, claim, handOff, close } = useDesk(team.id, "waiting");
  const mine = useDesk(team.id, "mine");
  const [open, setOpen] = useState<string>();
  const [problem, setProblem] = useState("");

  // Shows a conversation after an action, or none.
  const after = async (action: Promise<unknown>, shown?: string) => {
    try {
      await action;
      setOpen(shown);
      setProblem("");
    } catch (error) {
      const isLate = error instanceof RequestError && error.code === "conflict";
      setProblem(isLate ? "A colleague was faster." : String(error));
    }
  };

  return (
    <>
      <h1>{team.name}</h1>
      <p role="alert">{problem}</p>
      <h2>Waiting</h2>
      <ol>
        {conversations.map((each) => (
          <Waiting key={each.id} conversation={each} take={() => after(claim(each.id), each.id)} />
        ))}
      </ol>
      <h2>Mine</h2>
      <ul>
        {mine.conversations.map(({ id, name }) => (
          <li key={id}>
            <button type="button" onClick={() => setOpen(id)}>
              {name}
            </button>
          </li>
        ))}
      </ul>
      {open !== undefined && (
        <Answer key={open} id={open} handOff={(to) => after(handOff(open, to))} close={() => after(close(open))} />
      )}
    </>
  );
}

function Waiting({ conversation, take }: { conversation: DeskConversation; take: () => void }) {
  const { name, waitingSince, handler } = conversation;
  return (
    <li>
      {name}, since {new Date(waitingSince ?? 0).toLocaleTimeString()}{" "}
      {handler ? (
        `(${handler} answers)`
      ) : (
        <button type="button" onClick={take}>
          Take
        </button>
      )}
    </li>
  );
}

function Answer({ id, handOff, close }: { id: string; handOff: (to: string) => void; close: () => void }) {
  const me = useTalkwire().me?.id;
  const { room, info, members } = useConversation(id);
  useEffect(() => {
    room.loadMembers().catch(console.error);
  }, [room]);
  const colleagues = members.filter(({ userId, via }) => via !== undefined && userId !== me);
  return (
    <section>
      <h2>{info?.name}</h2>
      <Conversation id={id} ifHandler={me} />
      {colleagues.map(({ userId, name }) => (
        <button type="button" key={userId} onClick={() => handOff(userId)}>
          Hand over to {name}
        </button>
      ))}
      <button type="button" onClick={close}>
        Close
      </button>
    </section>
  );
}

await show(async () => <DeskPage />);
