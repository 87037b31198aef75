"""`down` on an AWS account: show, ask, empty, destroy, prove that nothing is left."""

import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from console.answers import Answer
from console.exits import EXIT_FAILED
from console.speech import confirmed, progress, say
from deploy import root, stackfile
from deploy.account import leftovers, preflight, teardown
from deploy.account.access import Account
from deploy.account.leftovers import Place, Proof
from deploy.account.teardown import Holdings
from deploy.root import Choices
from deploy.terraform.diagnosis import TerraformFailed
from deploy.terraform.process import Resource, Terraform
from deploy.up import account_environment, check_place, saying_how_to_go_on
from petrostream.settings import AWS, state_folder

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class DownOptions:
    """How to take the platform down."""

    folder: Path
    assume_yes: bool = False
    wait_seconds: float = leftovers.WAIT_SECONDS


def run(options: DownOptions) -> Answer:
    """Remove everything that `up` made; 1 if something is left."""
    account = preflight.check()
    terraform = Terraform(options.folder, account_environment())
    say("reading the configuration and the state")
    terraform.init()
    choices = root.read_choices(terraform)
    check_place(terraform, choices, account)
    os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = choices.region
    resources = terraform.resources()
    held = teardown.holdings(resources)
    _show(account, choices, resources, held)
    if resources:
        if not _may_destroy(choices.name, options):
            say("nothing was destroyed")
            return Answer({"target": AWS, "destroyed": 0}, EXIT_FAILED)
        with saying_how_to_go_on():
            _destroy(terraform, held)
    stackfile.remove()
    shutil.rmtree(state_folder() / "powerbi", ignore_errors=True)
    say("looking for anything that is left")
    had_budget = any(resource.kind == "aws_budgets_budget" for resource in resources)
    place = Place(choices.name, account.id, choices.region, had_budget)
    proof = leftovers.prove(place, options.wait_seconds)
    facts = {
        "target": AWS,
        "destroyed": len(resources),
        "leftovers": [asdict(leftover) for leftover in proof.leftovers],
        "not_seen": list(proof.unseen),
    }
    return Answer(facts, _report(proof))


def _show(account: Account, choices: Choices, resources: list[Resource], held: Holdings) -> None:
    say(f"account   {account}")
    say(f"region    {choices.region}")
    say(f"name      {choices.name}")
    if not resources:
        say("Terraform's state holds nothing: nothing to destroy")
        return
    say(f"destroys  {len(resources)} resources, for good, and in them")
    for bucket in held.buckets:
        progress(f"{bucket}: {teardown.count(bucket)} objects, old versions counted")


def _may_destroy(name: str, options: DownOptions) -> bool:
    return options.assume_yes or confirmed(
        "All of it goes, and can't be brought back.",
        name,
        instead="say --yes (make: YES=1) to destroy all of it",
    )


def _destroy(terraform: Terraform, held: Holdings) -> None:
    """Empty and destroy; once more where somebody wrote meanwhile."""
    for mapping in held.mappings:
        progress("the function gets no more messages")
        teardown.pause(mapping)
    for attempt in range(1, _ATTEMPTS + 1):
        for bucket in held.buckets:
            progress(f"{bucket}: {teardown.empty(bucket):,} objects deleted")
        for repository in held.repositories:
            progress(f"{repository}: {teardown.empty_repository(repository)} images deleted")
        try:
            say("destroying")
            number = terraform.destroy(root.with_image({}), progress)
        except TerraformFailed as error:
            if attempt == _ATTEMPTS or "NotEmpty" not in str(error):
                raise
            progress("something was written meanwhile: once more")
        else:
            say(f"{number} resources are destroyed")
            return


def _report(proof: Proof) -> int:
    for leftover in proof.leftovers:
        say(f"LEFT: {leftover.service} {leftover.what}")
        progress(f"remove it: {leftover.remove}")
    for problem in proof.unseen:
        say(f"NOT SEEN: {problem}")
    if proof.lagging:
        say(
            f"the listing by tag still has {len(proof.lagging)} things that their services no "
            "longer know; it lags by some minutes"
        )
    if not proof.is_clean:
        return EXIT_FAILED
    say(
        "nothing is left that costs: no bucket, queue, function, image, log, alarm, topic or budget"
    )
    return 0
