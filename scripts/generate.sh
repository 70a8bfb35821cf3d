#!/usr/bin/env bash
# Writes every generated file anew; the same tests without UPDATE_GENERATED fail when one is stale.
set -euo pipefail
export UPDATE_GENERATED=1 INSTA_UPDATE=always
scripts/tests.sh unit
# after the definition: the charts hold copies of it
scripts/tests.sh charts
