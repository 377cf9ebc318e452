"""How sparse each layer must be to meet a budget, and what that costs."""

from tfprune.planning.cost_models import CostModel as CostModel
from tfprune.planning.filter_budget import plan_filters as plan_filters
from tfprune.planning.plan import BudgetPlan as BudgetPlan
from tfprune.planning.plan import RankPlan as RankPlan
from tfprune.planning.plan import SparsityPlan as SparsityPlan
from tfprune.planning.rank_budget import choose_ranks as choose_ranks
from tfprune.planning.rank_sensitivity import RankSensitivity as RankSensitivity
from tfprune.planning.rank_sensitivity import (
    measure_rank_sensitivity as measure_rank_sensitivity,
)
from tfprune.planning.sensitivity import Sensitivity as Sensitivity
from tfprune.planning.sensitivity import (
    measure_sensitivity as measure_sensitivity,
)
from tfprune.planning.weight_budget import plan_weights as plan_weights

__all__ = [
    "BudgetPlan",
    "CostModel",
    "RankPlan",
    "RankSensitivity",
    "Sensitivity",
    "SparsityPlan",
    "choose_ranks",
    "measure_rank_sensitivity",
    "measure_sensitivity",
    "plan_filters",
    "plan_weights",
]
