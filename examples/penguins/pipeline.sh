#!/bin/sh
# Prepare, train and evaluate each version of the data, then set the versions side by side.
#
#   sh pipeline.sh                             run it
#   RUN="provgraph run --" sh pipeline.sh      run it watched
set -eu
cd "$(dirname "$0")"
RUN=${RUN-}

# The first import of matplotlib on a machine asks another program for the fonts. Do that once,
# before the steps.
python -c "import matplotlib.font_manager"

for v in v1 v2 v3; do
    $RUN python prepare.py "data/$v" "params/$v.yaml" "out/$v/table.csv"
    $RUN python train.py "out/$v/table.csv" "params/$v.yaml" "out/$v/model.pkl"
    $RUN python evaluate.py "out/$v/table.csv" "out/$v/model.pkl" \
        "out/$v/metrics.json" "out/$v/figure.png"
done
$RUN python summarize.py out/v1/metrics.json out/v2/metrics.json out/v3/metrics.json \
    out/summary.csv
