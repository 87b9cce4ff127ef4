# Where jobs run on a cluster: what is checked before the first, and watched until the last. No rule.
from convstudy import cluster

cluster.take_over(workflow)
