#!/usr/bin/env bash
# usage: check-approval.sh ENVIRONMENT: fails unless somebody has to approve what runs in it.
# GitHub makes an environment that a workflow names and nobody has made, and that one asks nobody.
set -euo pipefail

name=$1
settings="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/settings/environments"

if ! found=$(gh api "repos/$GITHUB_REPOSITORY/environments/$name" 2>&1); then
  case $found in
    *"HTTP 404"*)
      echo "::error::nothing is deployed: there is no environment '$name', and GitHub would make one that asks nobody. Make it with required reviewers: $settings"
      exit 1
      ;;
  esac
  echo "::warning::whether the environment '$name' has required reviewers could not be looked up (${found//$'\n'/ }): see for yourself at $settings"
  exit 0
fi

if ! grep -Eq '"type": *"required_reviewers"' <<<"$found"; then
  echo "::error::nothing is deployed: the environment '$name' has no required reviewers, so whatever is pushed would be applied unseen. Add them: $settings"
  exit 1
fi
