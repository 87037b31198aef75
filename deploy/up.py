"""`up` on an AWS account: look, show, ask, make; safe to run again wherever it stopped."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from console.answers import Answer
from console.exits import EXIT_FAILED
from console.speech import confirmed, progress, say
from deploy import image, model, root, stackfile
from deploy.account import preflight
from deploy.account.access import Account, chosen_region
from deploy.image import Builder, DockerBuilder
from deploy.root import Choices
from deploy.terraform.process import Plan, Terraform
from petrostream.aws import costs
from petrostream.aws.buckets import Bucket
from petrostream.aws.partitions import Partitions, stored_days
from petrostream.errors import UsageError
from petrostream.schema.keys import SCORED
from petrostream.settings import AWS, PROJECT_ROOT, Settings


@dataclass(frozen=True, slots=True)
class UpOptions:
    """How to bring the platform up."""

    folder: Path
    only_plan: bool = False
    assume_yes: bool = False
    data: Path | None = None
    wells: int = costs.WELLS


def run(options: UpOptions, builder: Builder | None = None) -> Answer:
    """Bring the platform up on the account that the credentials belong to."""
    model.check_data(options.data)
    account = preflight.check()
    terraform = Terraform(options.folder, account_environment())
    say("reading the configuration")
    terraform.init()
    choices = root.read_choices(terraform)
    check_place(terraform, choices, account)
    os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = choices.region
    say(f"account   {account}")
    say(f"region    {choices.region}")
    say(f"name      {choices.name}")
    if shortage := preflight.find_shortage(choices.shared_executions):
        say(shortage)
        progress("lower maximum_concurrency in terraform.tfvars, or ask AWS for more")
    for line in costs.describe(choices.usage(options.wells), choices.region):
        say(line)
    with saying_how_to_go_on(options.only_plan):
        return _bring_up(terraform, choices, options, builder or DockerBuilder())


def _bring_up(
    terraform: Terraform, choices: Choices, options: UpOptions, builder: Builder
) -> Answer:
    tag = image.content_tag()
    digest = image.find(choices.repository, tag)
    if digest is None and not options.only_plan:
        builder.check()
    say("planning")
    with terraform.plan(root.with_image({}, digest or image.NOT_BUILT_YET)) as plan:
        _show(plan, digest)
        if options.only_plan:
            say(terraform.describe(plan))
            say("nothing was changed: this was only the plan")
            return Answer(_facts(choices, plan, applied=False))
        if not plan.is_empty and not _may_apply(plan, options):
            say("nothing was changed")
            return Answer(_facts(choices, plan, applied=False), EXIT_FAILED)
        if digest is not None:
            _apply(terraform, plan)
        agreed = plan
    if digest is None:
        digest = publish_image(terraform, {}, choices.repository, tag, builder)
        with terraform.plan(root.with_image({}, digest)) as final:
            _check_agreed(agreed, final, options)
            _apply(terraform, final)
    settings, outputs = stackfile.write(terraform)
    _announce_scored(settings, outputs)
    trained = model.ensure(settings, AWS, options.data)
    _conclude(agreed, choices, outputs, trained=trained)
    environment = settings.to_environment()
    return Answer({**_facts(choices, agreed, applied=True), "environment": environment})


def _facts(choices: Choices, plan: Plan, *, applied: bool) -> dict[str, Any]:
    return {
        "target": AWS,
        "region": choices.region,
        "name": choices.name,
        "changes": [asdict(change) for change in plan.changes],
        "applied": applied,
    }


def _show(plan: Plan, digest: str | None) -> None:
    say(f"image     {'in the registry already' if digest else 'to be built for arm64'}")
    say(f"plan      {plan.summary()}")
    for change in plan.changes:
        if change.destroys or change.action == "update":
            progress(str(change))
    if digest is None and not plan.is_empty:
        progress(f"(the image is not built yet: the plan has {image.NOT_BUILT_YET[:15]}… for it)")


def _may_apply(plan: Plan, options: UpOptions) -> bool:
    if options.assume_yes:
        return True
    what = "This destroys what is there. " if any(c.destroys for c in plan.changes) else ""
    return confirmed(
        f"{what}Make these changes?", "yes", instead="say --yes (make: YES=1) to make these changes"
    )


def _check_agreed(agreed: Plan, final: Plan, options: UpOptions) -> None:
    """Make sure that the plan with the built image does nothing that was not shown."""
    new = sorted(set(final.changes) - set(agreed.changes))
    if not new or options.assume_yes:
        return
    for change in new:
        progress(str(change))
    if not confirmed("This was not in the plan shown. Make it too?", "yes", instead="say --yes"):
        raise UsageError("the rest was not applied: run the same command again to go on")


def _apply(terraform: Terraform, plan: Plan) -> None:
    if not plan.is_empty:
        say(f"applying: {plan.summary()}")
        for refused in terraform.apply(plan, progress, optional=[root.BUDGET]):
            say(f"AWS refuses the budget, and all else goes on: {refused.summary}")
            progress("members of an organisation may have none, nor new accounts for about a day:")
            progress("run the same command again later, or set monthly_budget_usd = 0 in")
            progress("terraform.tfvars to do without; until then nobody watches what is spent")


def publish_image(
    terraform: Terraform, given: dict[str, Any], repository: str, tag: str, builder: Builder
) -> str:
    """Make the registry, then the image in it, and give its digest."""
    with terraform.plan(root.with_image(given), targets=[root.REGISTRY]) as registry:
        _apply(terraform, registry)
    say(f"publishing the image {tag[:12]}")
    return image.ensure(image.find_repository(repository), tag, builder)[0]


def _announce_scored(settings: Settings, outputs: dict[str, Any]) -> None:
    """Have SQL find what was scored before its tables were made, or before wells announced it."""
    days = stored_days(Bucket(settings.curated_bucket), SCORED)
    if made := Partitions(str(outputs["glue_database"])).announce_all(days):
        progress(f"SQL finds {made} more partitions (a well's day in a table)")


def _conclude(agreed: Plan, choices: Choices, outputs: dict[str, Any], *, trained: bool) -> None:
    if agreed.is_empty and not trained:
        say("everything is as it should be: nothing was changed")
    else:
        say("the platform is up")
    if choices.alarm_email:
        progress(f"alarms go to {choices.alarm_email} once its owner confirms AWS's two e-mails")
    else:
        progress("nobody is told of alarms: set alarm_email in terraform.tfvars")
    progress(f"metrics   {outputs['dashboard_url']}")
    progress("next      petrostream replay DATA, petrostream dashboard")
    progress("          (where a local stack is up too, with PETROSTREAM_TARGET=aws)")
    progress("          petrostream status --target aws; petrostream down --target aws removes all")


def account_environment() -> dict[str, str]:
    """The environment of Terraform's processes: the caller's, and its region for Terraform too."""
    region = chosen_region()
    return {**({"TF_VAR_region": region} if region else {}), **os.environ}


def check_place(terraform: Terraform, choices: Choices, account: Account) -> None:
    """Make sure that account and region are those that are allowed, and those of the state.

    Raises
    ------
    UsageError
        If they are not.
    """
    places = {place for one in terraform.resources() if (place := one.stands_in)}
    if choices.allowed_account_ids and account.id not in choices.allowed_account_ids:
        raise UsageError(
            f"the credentials belong to account {account.id}, but only "
            f"{', '.join(choices.allowed_account_ids)} may be changed (allowed_account_ids)"
        )
    for what, is_now, stands in (
        ("account", account.id, {place[0] for place in places}),
        ("region", choices.region, {place[1] for place in places}),
        ("name", choices.name, {terraform.outputs().get("name", choices.name)}),
    ):
        elsewhere = sorted(stands - {is_now})
        if elsewhere:
            raise UsageError(
                f"the platform in {_shown(terraform.folder)} stands in {what} {elsewhere[0]}, this "
                f"run is for {is_now}: go back to {elsewhere[0]}, or take it down there first"
            )


def _shown(folder: Path) -> str:
    return str(folder.relative_to(PROJECT_ROOT) if folder.is_relative_to(PROJECT_ROOT) else folder)


@contextmanager
def saying_how_to_go_on(only_looking: bool = False) -> Iterator[None]:  # noqa: FBT001, FBT002
    """Say after Ctrl-C what state things are in."""
    try:
        yield
    except KeyboardInterrupt:
        if not only_looking:
            say("what was done is kept in Terraform's state: `petrostream up --target aws` goes on")
            say("from there, `petrostream down --target aws` takes it back")
        raise
