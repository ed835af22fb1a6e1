"""One night of drift and the morning after; at a venue also a reply that is lost on its way."""

from cli.demo.home import DemoHome
from cli.demo.other_side import EmulatedVenue, OtherSide
from cli.demo.telling import Telling
from cli.exits import Exit


class Story:
    """Types the commands that a user would type, and says why."""

    def __init__(self, telling: Telling, home: DemoHome, other: OtherSide):
        self._say = telling.say
        self._show = telling.show
        self._type = telling.type
        self._home = home
        self._other = other

    def tell(self) -> None:
        self.begin()
        self.drift()
        self.mend()
        self.end()

    def begin(self) -> None:
        self._say("A home is a directory. It starts with every gate shut, on a paper account.")
        self._type("init", str(self._home.root), shown="init")

    def drift(self) -> None:
        self._evening()
        self._night()

    def mend(self) -> None:
        self._look()
        self._review()
        self._apply()
        self._prove()

    def end(self) -> None:
        self._say("And the stop button, which needs neither lock nor network nor database:")
        self._type("safe-mode", "on", "--reason", "end of the demo")
        self._type("status")
        self._say("That was it. Make a home of your own with `trueup init DIR`.")

    # --- the acts ---------------------------------------------------------------------------------

    def _evening(self) -> None:
        self._say(
            "Evening. Two orders rest at the broker, and the book is told of them. "
            "(Configuration: DRY_RUN: false, SAFE_MODE: false, DRY_RUN_CONFIRM: true.)"
        )
        self._other.evening()
        self._open_gates()
        self._type("stage", "--quiet")
        self._type("apply", "--confirm", self._home.plan_id(), "--quiet")
        self._type("plan")

    def _night(self) -> None:
        self._say(
            "Night; the bot is down. At the broker one order fills in part and is cancelled, the "
            "other disappears, and somebody places a third one by hand. Nobody protects the new "
            "position. Before anything is touched, the gates are shut again."
        )
        self._other.night()
        self._home.set_gates(DRY_RUN="true", SAFE_MODE="true", DRY_RUN_CONFIRM="false")

    def _look(self) -> None:
        self._say("Morning. What differs? Looking changes nothing.")
        self._type("plan", "--detailed-exitcode", expect=Exit.CHANGES)
        self._say("The plan as a file that a person can review:")
        self._type("stage", "--quiet")
        self._say("With DRY_RUN on, apply only tells what it would do:")
        self._type("apply")

    def _review(self) -> None:
        self._say(
            "Facts are approved unless somebody objects. Whatever would be sent to the broker "
            "waits for a person. The seal locks the decisions."
        )
        self._open_gates()
        self._type("stage", "--quiet")
        self._type("review", "--approve", "place_stop", "--note", "protect it", "--seal", "--quiet")
        self._say("Without the plan's id the door stays shut:")
        self._type("apply", "--no-input", expect=Exit.BLOCKED)

    def _apply(self) -> None:
        self._say("With it: a verified backup, one more look, then step by step.")
        self._type("apply", "--confirm", self._home.plan_id())

    def _prove(self) -> None:
        self._say("Broker and book agree again, and every position has exactly one stop:")
        self._type("plan", "--detailed-exitcode")
        self._type("verify")

    def _open_gates(self) -> None:
        self._home.set_gates(DRY_RUN="false", SAFE_MODE="false", DRY_RUN_CONFIRM="true")


class VenueStory(Story):
    """The same story through a real client library, and what can only happen over a network."""

    def __init__(self, telling: Telling, home: DemoHome, venue: EmulatedVenue):
        super().__init__(telling, home, venue)
        self._venue = venue

    def tell(self) -> None:
        self.introduce()
        self.begin()
        self.connect()
        self.drift()
        self.mend()
        self.lose_a_reply()
        self.end()

    def introduce(self) -> None:
        self._say(
            f"This demo emulates {self._venue.title}. It listens at {self._venue.address}: nothing "
            "leaves this machine, and no real account, key or order is touched. trueup speaks to "
            "it as it would to the real venue, through the same client library."
        )

    def connect(self) -> None:
        entry = self._venue.account(self._home)
        self._home.set_account(entry)
        self._say("This account is at the venue instead. config/local_reconcile.yml now says:")
        self._show("", "  ACCOUNTS:", *(f"    {line}" for line in entry))
        self._say("Is everything in order that a run depends on?")
        self._type("doctor")

    def lose_a_reply(self) -> None:
        mishap = self._venue.lose_next_reply()
        self._say(mishap.told)
        self._type("stage", "--quiet")
        self._type("review", "--approve", mishap.action, "--seal", "--quiet")
        self._say("The venue accepts it, and its reply is lost. trueup does not guess:")
        self._type("apply", "--confirm", self._home.plan_id(), expect=Exit.UNKNOWN)
        self._say("As long as nobody knows, nothing else is sent:")
        self._type("apply", "--no-input", expect=Exit.UNKNOWN)
        self._say("Resuming sends nothing either. It asks the venue what became of it:")
        self._type("apply", "--resume")
        stops = self._venue.stops()
        self._say(f"At the venue itself, stops that rest there: {len(stops)}.")
        self._show(*(f"  {line}" for line in stops))
        self._type("plan", "--detailed-exitcode")
        self._type("verify")
